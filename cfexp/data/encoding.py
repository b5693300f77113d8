"""Encoded rows, and the properties of the data that a model is built from."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cfexp.runtime.memo import read_only

IndexArray = npt.NDArray[np.int32]
FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class FeatureSpec:
    """The properties of the training data that a model is built from.

    Attributes:
        n_users: Rows of a user table, row 0 for unknown users included.
        n_items: Rows of a movie table, row 0 for unknown movies included.
        n_genres: Number of genres, genre 0 for unknown ones included.
        mean_rating: Mean rating of the training rows.
        scale: Lowest and highest rating.
        user_rows: Rows to give to a user table, `n_users` or more: the same for all
            folds of a dataset, so that they share compiled programs.
        item_rows: Rows to give to a movie table, `n_items` or more.
    """

    n_users: int
    n_items: int
    n_genres: int
    mean_rating: float
    scale: tuple[float, float]
    user_rows: int
    item_rows: int


@dataclass(frozen=True)
class Encoded:
    """Rows as a model reads them.

    Attributes:
        user: Index of each row's user, shape ``(n,)``.
        item: Index of each row's movie, shape ``(n,)``.
        genre_row: Row of `genre_table` that holds the movie's genres, shape ``(n,)``.
        genre_table: One row of 0s and 1s for each combination of genres, shape
            ``(combinations, n_genres)``.
        rating: Rating of each row, shape ``(n,)``; NaN if unknown.
        on_disk: Whether the arrays are memory-mapped, see `cfexp.data.streaming`.
    """

    user: IndexArray
    item: IndexArray
    genre_row: IndexArray
    genre_table: FloatArray
    rating: FloatArray
    on_disk: bool = False

    def __post_init__(self) -> None:
        for name in ("user", "item", "genre_row", "genre_table", "rating"):
            object.__setattr__(self, name, read_only(getattr(self, name)))

    def __len__(self) -> int:
        return len(self.user)
