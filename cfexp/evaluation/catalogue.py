"""The movies to rank for each user, and which of them are relevant."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csr_matrix

from cfexp.data.ratings import GENRES, ITEM, RATING, USER, Ratings
from cfexp.data.split import Split
from cfexp.data.top import NONE, FloatArray, IntArray, Scores, best_of_rows
from cfexp.evaluation.beyond import beyond_accuracy
from cfexp.evaluation.ranking import Hits
from cfexp.evaluation.relevance import lowest_relevant
from cfexp.evaluation.settings import EvaluationSettings

USERS = 4096  # users at once where there are no scores


@dataclass(frozen=True, eq=False)
class Catalogue:
    """The movies to rank for each user, and which of them are relevant.

    Attributes:
        users: Ids of the users who have a relevant test rating, shape ``(n_users,)``.
        items: Ids of all movies, shape ``(n_items,)``.
        known: The movies of each user's train and validation rows, which are not
            ranked, shape ``(n_users, n_items)``.
        relevant: The movies of each user's relevant test rows, the same shape.
        left_out: Number of users with test rows, none of them relevant.
        relevant_from: Lowest rating that is relevant, or ``the user's mean``.
        count: Number of train and validation ratings of each movie.
        raters: Number of users of these ratings.
        genres: Whether a movie has a genre, shape ``(n_items, n_genres)``.
        tie: The order of equal scores, see `top_k`.
    """

    users: npt.NDArray[np.generic]
    items: npt.NDArray[np.generic]
    known: csr_matrix
    relevant: csr_matrix
    left_out: int
    relevant_from: str
    count: IntArray
    raters: int
    genres: npt.NDArray[np.bool_]
    tie: IntArray

    @classmethod
    def of(
        cls, ratings: Ratings, split: Split, settings: EvaluationSettings, seed: int
    ) -> "Catalogue":
        """Returns what to rank of a dataset by the test rows of a split.

        Args:
            ratings: The dataset.
            split: The split.
            settings: What is relevant.
            seed: Seed of the order of equal scores.
        """
        frame, items = ratings.frame, ratings.movies[ITEM].to_numpy()
        user, users = pd.factorize(frame[USER])
        # Half of the memory, which matters from 25 million ratings on.
        user = user.astype(np.int32)
        item = pd.Index(items).get_indexer(frame[ITEM]).astype(np.int32)
        shape = len(users), len(items)

        def pairs(rows: IntArray) -> csr_matrix:
            there = np.ones(len(rows), bool), (user[rows], item[rows])
            return csr_matrix(there, shape)

        known = pairs(before := np.concatenate([split.train, split.valid]))
        lowest, said = lowest_relevant(settings, ratings, user, before)
        rating, rater = frame[RATING].to_numpy()[split.test], user[split.test]
        relevant = _without(pairs(split.test[rating >= lowest[rater]]), known)
        chosen = np.flatnonzero(relevant.getnnz(1))
        return cls(
            users=np.asarray(users)[chosen],
            items=items,
            known=known[chosen],
            relevant=relevant[chosen],
            left_out=len(np.unique(rater)) - len(chosen),
            relevant_from=said,
            count=known.getnnz(0),
            raters=int(np.count_nonzero(known.getnnz(1))),
            genres=_genres(ratings.movies[GENRES]),
            tie=np.random.default_rng(seed).permutation(len(items)),
        )

    def recommended(self, scores: Scores, k: int) -> IntArray:
        """Returns the `k` movies with the highest scores of each user.

        Args:
            scores: The scores.
            k: Number of movies.

        Returns:
            Positions in `items`, best first, shape ``(n_users, k)``.
        """
        return best_of_rows(scores, self.known, self.tie, k)

    def in_order(self, value: npt.NDArray[np.number], k: int) -> IntArray:
        """Returns the first `k` movies of one order of all that each user is new to.

        As `recommended`, if all users have the same scores, and much faster.

        Args:
            value: A value of each movie, highest first, shape ``(n_items,)``.
            k: Number of movies.
        """
        n = len(self.items)
        order = np.lexsort((-self.tie, -value))
        rank = np.argsort(order)
        found = np.full((len(self.users), k), NONE)
        for start in range(0, len(self.users), USERS):
            block = self.known[start : start + USERS]
            row = np.repeat(np.arange(block.shape[0]), block.getnnz(1))
            # By user, the ranks of the known movies, ascending; then how many unknown
            # movies precede each of them.
            ranks = np.sort(row * n + rank[block.indices]) - row * n
            unknown = ranks - (np.arange(len(row)) - block.indptr[row])
            first = unknown < k
            added = np.bincount(
                row[first] * k + unknown[first], minlength=block.shape[0] * k
            )
            place = np.arange(k) + added.reshape(-1, k).cumsum(1)
            found[start : start + USERS] = np.where(
                place < n, order[np.minimum(place, n - 1)], NONE
            )
        return found

    def measures(self, recommended: IntArray) -> dict[str, FloatArray]:
        """Returns the measures of each user; see `Hits.measures`."""
        hit = np.zeros(recommended.shape, bool)
        for start in range(0, len(recommended), USERS):
            part = slice(start, start + USERS)
            row, place = np.nonzero(recommended[part] != NONE)
            item = recommended[part][row, place]
            relevant = self.relevant[part]
            hit[part][row, place] = np.asarray(relevant[row, item]).ravel()
        return Hits(hit, self.relevant.getnnz(1)).measures()

    def beyond(self, recommended: IntArray) -> dict[str, float]:
        """Returns what recommended movies are like; see `beyond_accuracy`."""
        return beyond_accuracy(recommended, self.count, self.raters, self.genres)

    def random(self, seed: int) -> Scores:
        """Returns random scores, the same however large the blocks of users are."""
        rng = np.random.default_rng(seed)
        return lambda users: rng.random((len(users), len(self.items)), np.float32)


def _without(pairs: csr_matrix, others: csr_matrix) -> csr_matrix:
    """Returns the pairs that are not among others."""
    return pairs > pairs.multiply(others)


def _genres(column: pd.Series) -> npt.NDArray[np.bool_]:
    """Returns whether each movie has each genre."""
    return column.str.get_dummies("|").to_numpy(bool)
