"""Ratings by user (or movie), in padded tables of users with similarly many ratings."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import tensorflow as tf

# Numbers that the vectors of a table's rows, or the moments of its users, may have:
# more would need much memory at once.
MAX_NUMBERS = 32_000_000
GROWTH = 1.5


@dataclass(frozen=True)
class Table:
    """The rows of some users.

    Attributes:
        users: The users, shape ``(users,)``.
        rows: Positions of rows, one line for each user, filled up with the position
            after the last row: int32, shape ``(users, width)``.
    """

    users: tf.Tensor
    rows: tf.Tensor


@dataclass(frozen=True)
class Grouped:
    """The rows of each user or movie.

    Attributes:
        tables: The rows, in tables of users with similarly many.
        place: Line of each user in all tables put together, shape ``(n,)``.
        n_rows: Number of rows.
    """

    tables: list[Table]
    place: tf.Tensor
    n_rows: int


def grouped(index: npt.NDArray[np.int32], n: int, size: int) -> Grouped:
    """Groups rows by user or movie.

    A table's lines are filled up by at most half of their rows, so that the tables hold
    little more than the rows; their number grows with the logarithm of the most rows.

    Args:
        index: User of each row, shape ``(n_rows,)``.
        n: Number of users.
        size: Numbers of a row, of which a user's moments have the square.
    """
    order = np.argsort(index, kind="stable").astype(np.int32)
    count = np.bincount(index, minlength=n)
    start = np.cumsum(count) - count
    level = np.ceil(np.log(np.maximum(count, 4) / 4) / np.log(GROWTH) - 1e-9)
    tables, users = [], []
    for each in np.unique(level):
        members = np.flatnonzero(level == each)
        width = max(int(count[members].max()), 1)
        lines = max(1, MAX_NUMBERS // (size * max(width, size)))
        for part in np.split(members, range(0, len(members), lines)[1:]):
            at = np.arange(width)[None] + start[part, None]
            used = np.arange(width)[None] < count[part, None]
            rows = order[np.minimum(at, len(order) - 1)]
            filled = tf.constant(np.where(used, rows, len(order)), tf.int32)
            tables.append(Table(tf.constant(part, tf.int32), filled))
            users.append(part)
    place = np.empty(n, np.int32)
    place[np.concatenate(users)] = np.arange(n, dtype=np.int32)
    return Grouped(tables, tf.constant(place), len(order))
