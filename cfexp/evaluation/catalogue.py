"""The movies to rank for each user, and which of them are relevant."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csr_matrix

from cfexp.data.ratings import GENRES, ITEM, RATING, USER, Ratings
from cfexp.data.split import Split
from cfexp.evaluation.beyond import beyond_accuracy
from cfexp.evaluation.ranking import NONE, FloatArray, Hits, IntArray, means, top_k
from cfexp.evaluation.settings import EvaluationSettings

# Scores of all movies, shape ``(users, items)``, of the users at some positions.
Scores = Callable[[IntArray], npt.NDArray[np.floating]]

# Scores in memory at once.
BLOCK = 4_000_000


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
        """Returns the catalogue of a dataset, to test on the split's test rows.

        Args:
            ratings: The dataset.
            split: Its split.
            settings: What is relevant.
            seed: Seed of the order of equal scores.
        """
        frame = ratings.frame
        user, users = pd.factorize(frame[USER])
        items = ratings.movies[ITEM]
        item = pd.Index(items).get_indexer(frame[ITEM])
        rating = frame[RATING].to_numpy(np.float64)
        before = np.concatenate([split.train, split.valid])
        shape = len(users), len(items)

        def pairs(rows: IntArray) -> csr_matrix:
            ones = np.ones(len(rows), bool)
            return csr_matrix((ones, (user[rows], item[rows])), shape)

        known = pairs(before)
        lowest, said = _lowest(settings, ratings.scale, user, rating, before)
        good = split.test[rating[split.test] >= lowest[user[split.test]]]
        relevant = _without(pairs(good), known)
        chosen = np.flatnonzero(relevant.getnnz(1))
        return cls(
            users=np.asarray(users)[chosen],
            items=items.to_numpy(),
            known=known[chosen],
            relevant=relevant[chosen],
            left_out=len(np.unique(user[split.test])) - len(chosen),
            relevant_from=said,
            count=np.bincount(item[before], minlength=len(items)),
            raters=len(np.unique(user[before])),
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
        size = max(1, BLOCK // max(1, len(self.items)))
        found = [np.empty((0, k), np.int64)]
        for start in range(0, len(self.users), size):
            block = np.arange(start, min(start + size, len(self.users)))
            score = np.array(scores(block), np.float32)
            score[self.known[block].nonzero()] = -np.inf
            found.append(top_k(score, self.tie, k))
        return np.concatenate(found)

    def measures(self, recommended: IntArray) -> dict[str, FloatArray]:
        """Returns the measures of each user; see `Hits.measures`."""
        hit = np.zeros(recommended.shape, bool)
        for start in range(0, len(recommended), 4096):
            part = slice(start, start + 4096)
            row, place = np.nonzero(recommended[part] != NONE)
            item = recommended[part][row, place]
            relevant = self.relevant[part]
            hit[part][row, place] = np.asarray(relevant[row, item]).ravel()
        return Hits(hit, self.relevant.getnnz(1)).measures()

    def summary(self, recommended: IntArray) -> dict[str, float]:
        """Returns the mean of each measure, and those of `beyond_accuracy`."""
        return {
            **means(self.measures(recommended)),
            **beyond_accuracy(recommended, self.count, self.raters, self.genres),
        }

    def popularity(self, users: IntArray) -> FloatArray:
        """Returns the number of ratings of each movie, the same for all `users`."""
        return np.broadcast_to(self.count.astype(float), (len(users), len(self.count)))

    def random(self, users: IntArray, seed: int) -> FloatArray:
        """Returns random scores; users of other blocks get others."""
        rng = np.random.default_rng([seed, int(users[0])])
        return rng.random((len(users), len(self.items)))


def _without(pairs: csr_matrix, others: csr_matrix) -> csr_matrix:
    """Returns the pairs that are not among others."""
    return pairs > pairs.multiply(others)


def _lowest(
    settings: EvaluationSettings,
    scale: tuple[float, float],
    user: IntArray,
    rating: FloatArray,
    before: IntArray,
) -> tuple[FloatArray, str]:
    """Returns each user's lowest relevant rating, and the same in words."""
    n_users = int(user.max()) + 1
    if settings.relevant_from == "mean":
        overall = float(rating[before].mean())
        total = np.bincount(user[before], rating[before], n_users)
        count = np.bincount(user[before], minlength=n_users)
        mean = np.divide(total, count, out=np.full(n_users, overall), where=count > 0)
        return mean, "the user's mean"
    lowest = settings.relevant_from
    lowest = 0.8 * scale[1] if lowest is None else lowest
    return np.full(n_users, lowest), f"{lowest:g}"


def _genres(column: pd.Series) -> npt.NDArray[np.bool_]:
    """Returns whether each movie has each genre."""
    return column.str.get_dummies("|").to_numpy(bool)
