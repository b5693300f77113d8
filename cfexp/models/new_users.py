"""Recommends movies to several new users, each known by a few ratings."""

from collections.abc import Callable

import pandas as pd

from cfexp.data.ratings import USER
from cfexp.errors import DataError
from cfexp.models.foldable import folding_of
from cfexp.models.new_user import NewUser
from cfexp.models.recommending import RANK, Recommending
from cfexp.models.trained import Trained


def recommend_to_new(
    predictor: Trained,
    ratings: pd.DataFrame,
    *,
    k: int = 10,
    explain: bool = False,
    seed: int = 0,
) -> pd.DataFrame:
    """Returns the movies that new users would rate highest.

    Args:
        predictor: The trained model.
        ratings: Columns ``movieId`` and ``rating``, and ``userId`` if there are several
            users; else all rows are of one.
        k: Number of movies of each user.
        explain: Whether to add a column ``because``, see `NewUser.reasons`.
        seed: Seed of the order of movies with equal scores.

    Returns:
        Columns ``movieId``, ``title``, ``genres``, ``rating``; with several users
        ``userId`` and ``rank`` before them.

    Raises:
        ConfigError: The model cannot take new users.
        DataError: The ratings of a user cannot be used.
    """
    ranked = Recommending(predictor, seed)
    # One copy of the model for all of them.
    fold_in = folding_of(predictor.scorer, predictor.origin.model, ranked.items)

    def top_of(rows: pd.DataFrame) -> pd.DataFrame:
        new = NewUser(predictor, rows, fold_in=fold_in, ranked=ranked)
        return new.recommend(k=k, explain=explain)

    if USER not in ratings:
        return top_of(ratings)
    each = ratings.groupby(USER, sort=False)
    return pd.concat(
        [_of_user(user, rows, top_of) for user, rows in each], ignore_index=True
    )


def _of_user(
    user: object, rows: pd.DataFrame, top_of: Callable[[pd.DataFrame], pd.DataFrame]
) -> pd.DataFrame:
    """Returns the movies of one of several users."""
    try:
        top = top_of(rows)
    except DataError as error:
        raise DataError(f"user {user}: {error}") from None
    top.insert(0, USER, user)
    top.insert(1, RANK, range(1, len(top) + 1))
    return top
