"""Measures of ranked movies, and the two protocols of what is ranked.

- **full**, the full catalogue: all movies but those of a user's train and validation
  rows are ranked. Relevant is a test rating of at least `relevant_from`; the measures
  are those of trec_eval, with 1 for a relevant movie and 0 for any other.
- **rated**, rated movies only: each user's test rows are ranked. The gain of a rating
  is ``2**rating - 1`` (Burges et al., 2005), and there is no cut.

Neither draws candidates at random. Equal scores are ordered by a seed, not by id.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cfexp.data.top import FloatArray, IntArray

BoolArray = npt.NDArray[np.bool_]

NDCG, RECALL, PRECISION = "ndcg", "recall", "precision"
HIT_RATE, MRR, MAP = "hit_rate", "mrr", "map"
MEASURES = (NDCG, RECALL, PRECISION, HIT_RATE, MRR, MAP)
# Column of stored predictions: what their movies were ordered by.
SCORE = "score"


@dataclass(frozen=True)
class Hits:
    """Which of the first movies of each user's ranking are relevant.

    Attributes:
        hit: Whether the movie at each place is, shape ``(n_users, k)``.
        n_relevant: Number of the user's relevant movies, 1 or more, shape
            ``(n_users,)``.
    """

    hit: BoolArray
    n_relevant: IntArray

    def measures(self) -> dict[str, FloatArray]:
        """Returns each measure at k of each user, shape ``(n_users,)``.

        With ``rel_i`` for the hit at place i, R relevant movies, and sums over the
        first k places: NDCG is ``sum rel_i / log2(i + 1)`` by that of the best ranking
        (Järvelin and Kekäläinen, 2002); precision ``sum rel_i / k``, recall ``sum rel_i
        / R``; hit rate 1 if there is a hit; MRR 1 by the place of the first one; MAP
        ``sum rel_i precision_i / R``.
        """
        hit = self.hit.astype(np.float64)
        k = hit.shape[1]
        place = np.arange(1, k + 1)
        discount = 1 / np.log2(place + 1)
        best = np.cumsum(discount)[np.minimum(self.n_relevant, k) - 1]
        found = hit.sum(1)
        first = np.where(self.hit.any(1), 1 / (1 + self.hit.argmax(1)), 0.0)
        return {
            NDCG: hit @ discount / best,
            RECALL: found / self.n_relevant,
            PRECISION: found / k,
            HIT_RATE: (found > 0).astype(np.float64),
            MRR: first,
            MAP: (hit * hit.cumsum(1) / place).sum(1) / self.n_relevant,
        }


def rated_ndcg(
    user: IntArray, rating: FloatArray, score: FloatArray, seed: int
) -> tuple[IntArray, FloatArray]:
    """Returns the NDCG of each user's own rows, in the order of the scores.

    Args:
        user: User of each row, shape ``(n,)``.
        rating: Rating of each row.
        score: Score of each row.
        seed: Seed of the order of equal scores.

    Returns:
        The users with at least two rows, ascending, and the NDCG of each.
    """
    tie = np.random.default_rng(seed).permutation(len(user))
    users, start, count = np.unique(
        np.sort(user), return_index=True, return_counts=True
    )
    place = np.arange(len(user)) - np.repeat(start, count)
    gain = (np.exp2(rating) - 1, 1 / np.log2(place + 2))

    def dcg(order: IntArray) -> FloatArray:
        return np.add.reduceat(gain[0][order] * gain[1], start)

    ideal = dcg(np.lexsort((-rating, user)))
    found = dcg(np.lexsort((tie, -score, user)))
    # Nothing to gain: any order is the best one.
    ndcg = np.divide(found, ideal, out=np.ones_like(found), where=ideal > 0)
    several = count > 1
    return users[several], ndcg[several]


def means(measures: Mapping[str, FloatArray]) -> dict[str, float]:
    """Returns the mean of each measure over users; NaN if there are none."""
    return {
        name: float(np.mean(values)) if len(values) else float("nan")
        for name, values in measures.items()
    }
