"""Relevant movies ranked against a few drawn ones, to compare with published figures.

Such a measure may order systems otherwise than that of all movies (Krichene and Rendle,
On Sampled Metrics for Item Recommendation, 2020): it chooses and compares nothing here.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from cfexp.data.ratings import ITEM, USER, Ratings
from cfexp.data.top import FloatArray, IntArray
from cfexp.errors import DataError
from cfexp.evaluation.catalogue import Catalogue
from cfexp.evaluation.ranking import HIT_RATE, NDCG

SAMPLED_MEASURES = (HIT_RATE, NDCG)


@dataclass(frozen=True, eq=False)
class Candidates:
    """The movies that each relevant test movie is ranked against.

    Attributes:
        user: Position of each one's user in `Catalogue.users`, shape ``(n,)``.
        item: Position in `Catalogue.items` of the movie itself, then of the movies
            drawn for its user, shape ``(n, 1 + negatives)``.
        tie: The order of equal scores: the movie with the higher one is first.
    """

    user: IntArray
    item: IntArray
    tie: IntArray

    @classmethod
    def of(
        cls, ratings: Ratings, catalogue: Catalogue, negatives: int, seed: int
    ) -> "Candidates":
        """Draws movies for each user from those that only others have rated.

        Args:
            ratings: The dataset.
            catalogue: The users, and their relevant movies.
            negatives: Number of movies to draw, all alike and without replacement.
            seed: Seed of the draws, which do not depend on a model.

        Raises:
            DataError: There are too few of them.
        """
        check_negatives(ratings, negatives)
        everyone = pd.Index(catalogue.items).get_indexer(ratings.frame[ITEM].unique())
        rated, movies = _rated(ratings, catalogue), np.sort(everyone)
        rng = np.random.default_rng([seed, 0x5A3D])
        drawn = np.empty((len(catalogue.users), negatives), np.int64)
        for row in range(len(drawn)):
            own = rated.indices[rated.indptr[row] : rated.indptr[row + 1]]
            # Of so many different movies, at least `negatives` are not rated.
            some = rng.choice(movies, negatives + len(own), replace=False)
            drawn[row] = some[~np.isin(some, own)][:negatives]
        user, item = catalogue.relevant.nonzero()
        candidates = np.column_stack([item, drawn[user]])
        return cls(user.astype(np.int64), candidates, catalogue.tie)

    def means(self, score: FloatArray, k: int) -> dict[str, float]:
        """Returns the mean over users of hit rate and NDCG at `k`.

        Of a relevant movie at place i among its candidates the hit rate is 1 if ``i <=
        k``, and NDCG ``1 / log2(i + 1)``, else both are 0 (He et al., 2017, sec. 4.1).
        Those of a user with several are their mean.

        Args:
            score: Scores of `item`, the same shape.
            k: Number of places.
        """
        own, others = score[:, :1], score[:, 1:]
        tie = self.tie[self.item]
        before = (others > own) | ((others == own) & (tie[:, 1:] > tie[:, :1]))
        place = 1 + before.sum(1)
        hit = place <= k
        each = {HIT_RATE: hit.astype(float), NDCG: hit / np.log2(place + 1)}
        count = np.bincount(self.user)
        return {
            name: float(np.mean(np.bincount(self.user, values) / count))
            if len(values)
            else float("nan")
            for name, values in each.items()
        }


def check_negatives(ratings: Ratings, negatives: int | None) -> None:
    """Checks that each user has enough movies that only others have rated.

    Raises:
        DataError: One has fewer than `negatives`.
    """
    if negatives is None:
        return
    count = ratings.frame[USER].value_counts()
    others = int(ratings.frame[ITEM].nunique() - count.iloc[0])
    if others < negatives:
        raise DataError(
            f"evaluation.sampled_negatives={negatives} must be at most {others}: user"
            f" {count.index[0]} of {ratings.name} has rated all other movies"
        )


def _rated(ratings: Ratings, catalogue: Catalogue) -> csr_matrix:
    """Returns the movies that each user of a catalogue has rated, in any part."""
    user = pd.Index(catalogue.users).get_indexer(ratings.frame[USER])
    item = pd.Index(catalogue.items).get_indexer(ratings.frame[ITEM])
    there = user >= 0
    ones = np.ones(int(there.sum()), bool)
    shape = len(catalogue.users), len(catalogue.items)
    return csr_matrix((ones, (user[there], item[there])), shape)
