"""The movies that users would rate highest, of those that they have not rated."""

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from cfexp.data.encoding import Encoded
from cfexp.data.ids import positions
from cfexp.data.ratings import GENRES, ITEM, TITLE, USER
from cfexp.data.top import NONE, IntArray, best_of_rows
from cfexp.errors import DataError
from cfexp.models.all_pairs import scores_of_all
from cfexp.models.base import Scorer
from cfexp.models.trained import Trained

ROWS = 1_000_000  # ratings that are predicted at once
RANK = "rank"


class Recommending:
    """Recommends movies that a model was trained on, in the order of the ranking test.

    That is by scores that are not cut to the rating scale, equal ones by a seed.

    Args:
        predictor: The trained model.
        seed: The seed.

    Attributes:
        movies: The movies.
        items: The same, encoded, a row each.
    """

    def __init__(self, predictor: Trained, seed: int = 0):
        self._predictor = predictor
        known = positions(predictor.movies[ITEM], predictor.encoder.items) >= 0
        self.movies = predictor.movies[known].reset_index(drop=True)
        self._tie = np.random.default_rng(seed).permutation(len(self.movies))
        one = predictor.encoder.users[0]
        self.items = self.encoded(self.movies[[ITEM]].assign(**{USER: one}))

    def encoded(self, rows: pd.DataFrame) -> Encoded:
        """Returns rows of users and movies as the model reads them."""
        own = self._predictor
        return own.encoder.transform(rows, own.movies, own.users, whole=True)

    def best(
        self, users: pd.Series, seen: csr_matrix, k: int, scorer: Scorer | None = None
    ) -> pd.DataFrame:
        """Returns the movies with the highest scores of each user.

        Args:
            users: Ids of users, without an index of their own.
            seen: The movies that are left out, shape ``(n_users, n_movies)``.
            k: Number of movies of each user.
            scorer: The model, if not the predictor's own.

        Returns:
            Columns ``userId``, ``rank`` from 1, ``movieId``, ``title``, ``genres``, and
            ``rating``, which is within the scale, or ``score`` if the model ranks.
        """
        scorer = scorer or self._predictor.scorer
        found = self._columns(scorer, users, seen, k)
        row, place = np.nonzero(found != NONE)
        movies = self.movies.iloc[found[row, place]].reset_index(drop=True)
        table = pd.DataFrame({USER: users.iloc[row].to_numpy(), RANK: place + 1})
        table = pd.concat([table, movies[[ITEM, TITLE, GENRES]]], axis=1)
        parts = [np.empty(0)]
        for start in range(0, len(table), ROWS):
            pairs = self.encoded(table[[USER, ITEM]].iloc[start : start + ROWS])
            parts.append(scorer.predict(pairs))
        name = self._predictor.origin.outputs[0]
        return table.assign(**{name: np.concatenate(parts)})

    def _columns(
        self, scorer: Scorer, users: pd.Series, seen: csr_matrix, k: int
    ) -> IntArray:
        """Returns the positions of the movies, shape ``(n_users, k)``."""
        rows = pd.DataFrame({USER: users, ITEM: self.movies[ITEM].iloc[0]})
        of_block = scores_of_all(scorer, self.encoded(rows), self.items)
        return best_of_rows(of_block, seen, self._tie, k)

    def seen(self, users: pd.Series, pairs: pd.DataFrame) -> csr_matrix:
        """Returns the movies of each user's pairs, shape ``(n_users, n_movies)``.

        Args:
            users: Ids of users.
            pairs: Columns ``userId`` and ``movieId``.
        """
        row = positions(pairs[USER], users)
        column = positions(pairs[ITEM], self.movies[ITEM])
        there = (row >= 0) & (column >= 0)
        ones = np.ones(int(there.sum()), bool)
        shape = len(users), len(self.movies)
        return csr_matrix((ones, (row[there], column[there])), shape)


def check_k(k: object) -> int:
    """Returns a number of movies.

    Raises:
        DataError: It is not a whole number from 1 on.
    """
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or k < 1:
        raise DataError(f"k must be a whole number from 1 on. Got: {k!r}")
    return int(k)
