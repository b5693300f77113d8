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

from cfexp.errors import TrainingError

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

NDCG, RECALL, PRECISION = "ndcg", "recall", "precision"
HIT_RATE, MRR, MAP = "hit_rate", "mrr", "map"
# No movie: a user has fewer candidates than places.
NONE = -1
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


def top_k(score: npt.NDArray[np.floating], tie: IntArray, k: int) -> IntArray:
    """Returns the columns of the highest scores, best first, shape ``(n, k)``.

    Args:
        score: Scores, ``-inf`` for what must not be ranked, shape ``(n, columns)``.
        tie: A permutation of the columns: of equal scores, the higher one is first.
        k: Number of places; those without a column are `NONE`.

    Raises:
        TrainingError: A score is not a number.
    """
    score = np.asarray(score, np.float32)
    places = min(k, score.shape[1])
    lowest = _below_places(score, places)
    if np.isnan(lowest).any():
        raise TrainingError("ranking: a predicted rating is not a number")
    # Few scores are left, which are sorted: a sort of all would take far longer.
    flat = np.flatnonzero(score >= lowest[:, None])
    row, column = np.divmod(flat, score.shape[1])
    order = np.lexsort((-tie[column], -score.ravel()[flat], row))
    row, column = row[order], column[order]
    place = np.arange(len(row)) - np.searchsorted(row, row)
    found = np.full((len(score), k), NONE)
    found[row[place < k], place[place < k]] = column[place < k]
    return found


def _below_places(score: npt.NDArray[np.float32], places: int) -> FloatArray:
    """Returns a score of each row that at least `places` scores reach, NaN if one is.

    The columns are dealt into groups; so many groups have a maximum that is as high.
    It is finite: what must not be ranked does not reach it.
    """
    columns = score.shape[1]
    groups = min(columns, max(1024, 8 * places))
    whole = columns - columns % groups
    highest = score[:, :whole].reshape(len(score), -1, groups).max(1)
    rest = score[:, whole:]
    part = highest[:, : rest.shape[1]]
    np.maximum(part, rest, out=part)
    found = np.partition(highest, groups - places, axis=1)[:, groups - places]
    found[np.isnan(highest).any(1)] = np.nan
    return np.maximum(found, np.finfo(np.float32).min)


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
