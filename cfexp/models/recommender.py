"""What a trained model recommends: to users, beside movies, and to new users."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from cfexp.data.ids import as_ids, equal_to
from cfexp.data.ratings import GENRES, ITEM, TITLE, USER
from cfexp.errors import DataError
from cfexp.models.new_user import NewUser
from cfexp.models.recommending import RANK, Recommending, check_k
from cfexp.models.similar import most_similar, require_vectors
from cfexp.models.trained import Trained


class Recommender(Trained):
    """A trained model that recommends movies."""

    def recommend(
        self,
        user: int | str,
        *,
        k: int = 10,
        seen: Iterable[int | str] | None = None,
        seed: int = 0,
    ) -> pd.DataFrame:
        """Returns the `k` movies that `user` would rate highest, best first.

        Args:
            user: The user's id; unknown users all get the same movies.
            k: Number of movies.
            seen: Ids of movies to leave out. None: the movies of the user's train and
                validation ratings; the model does not know those of test ratings.
            seed: Seed of the order of movies with equal scores.

        Returns:
            Columns ``movieId``, ``title``, ``genres``, ``rating``.

        Raises:
            DataError: `k` is not a positive whole number.
        """
        users = pd.Series([user])
        pairs = None
        if seen is not None:
            pairs = pd.DataFrame({ITEM: as_ids(pd.Series(seen, dtype=object))})
            pairs = pairs.assign(**{USER: user})
        top = self.recommend_many(users, k=k, seen=pairs, seed=seed)
        return top.drop(columns=[USER, RANK])

    def recommend_many(
        self,
        users: Iterable[int | str] | None = None,
        *,
        k: int = 10,
        seen: pd.DataFrame | None = None,
        seed: int = 0,
    ) -> pd.DataFrame:
        """Returns the `k` movies that each of many users would rate highest.

        Args:
            users: Ids of users. None: all that the model was trained on.
            k: Number of movies of each user.
            seen: Pairs to leave out, columns ``userId`` and ``movieId``. None: those of
                train and validation ratings.
            seed: Seed of the order of movies with equal scores.

        Returns:
            Columns ``userId``, ``rank``, ``movieId``, ``title``, ``genres``,
            ``rating``; the users in the given order.

        Raises:
            DataError: `k` is not a positive whole number.
        """
        own = self.encoder.users if users is None else users
        ids = as_ids(pd.Series(own).reset_index(drop=True))
        ranked = Recommending(self, seed)
        pairs = self.trained_on.known.frame if seen is None else seen
        return ranked.best(ids, ranked.seen(ids, pairs), check_k(k))

    def similar(self, movie: int | str, *, k: int = 10) -> pd.DataFrame:
        """Returns the `k` movies whose embeddings are most like that of `movie`.

        Args:
            movie: Id of a movie that the model was trained on.
            k: Number of movies.

        Returns:
            Columns ``movieId``, ``title``, ``genres``, ``similarity``, their cosine.

        Raises:
            ConfigError: The model has no embeddings of movies.
            DataError: The model does not know the movie.
        """
        ranked = Recommending(self)
        vectors = require_vectors(self.scorer, ranked.items, self.origin.model)
        own = np.flatnonzero(equal_to(ranked.movies[ITEM], movie))
        if not len(own):
            raise DataError(f"the model does not know movie {movie}")
        nearest, cosine = most_similar(vectors, int(own[0]), check_k(k))
        found = ranked.movies[[ITEM, TITLE, GENRES]].iloc[nearest]
        return found.reset_index(drop=True).assign(similarity=cosine)

    def fold_in(self, ratings: pd.DataFrame) -> NewUser:
        """Returns a new user, whom the model knows by a few ratings only.

        Args:
            ratings: Columns ``movieId`` and ``rating``.

        Raises:
            ConfigError: The model cannot take new users.
            DataError: The ratings cannot be used.
        """
        return NewUser(self, ratings)
