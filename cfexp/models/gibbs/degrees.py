"""Ratings by user (or movie), in padded tables of users with similarly many ratings."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import tensorflow as tf

# Cells of a table: more would need much memory at once.
MAX_CELLS = 2_000_000
GROWTH = 1.5


@dataclass(frozen=True)
class Grouped:
    """The rows of each user or movie.

    Attributes:
        tables: Positions of rows, one line for each user, filled with `n_rows`, the
            position after the last row: int32, shape ``(users of the table, width)``.
        place: Line of each user in all tables put together, shape ``(n,)``.
        n_rows: Number of rows.
    """

    tables: list[tf.Tensor]
    place: tf.Tensor
    n_rows: int


def grouped(index: npt.NDArray[np.int32], n: int) -> Grouped:
    """Groups rows by user or movie.

    A table's lines are filled up by at most half of their rows, so that the tables hold
    little more than the rows; their number grows with the logarithm of the most rows.

    Args:
        index: User of each row, shape ``(n_rows,)``.
        n: Number of users.
    """
    order = np.argsort(index, kind="stable").astype(np.int32)
    count = np.bincount(index, minlength=n)
    start = np.cumsum(count) - count
    level = np.ceil(np.log(np.maximum(count, 4) / 4) / np.log(GROWTH) - 1e-9)
    tables, users = [], []
    for each in np.unique(level):
        members = np.flatnonzero(level == each)
        width = max(int(count[members].max()), 1)
        for part in np.split(members, range(0, len(members), _lines(width))[1:]):
            at = np.arange(width)[None] + start[part, None]
            used = np.arange(width)[None] < count[part, None]
            rows = order[np.minimum(at, len(order) - 1)]
            tables.append(tf.constant(np.where(used, rows, len(order)), tf.int32))
            users.append(part)
    place = np.empty(n, np.int32)
    place[np.concatenate(users)] = np.arange(n, dtype=np.int32)
    return Grouped(tables, tf.constant(place), len(order))


def _lines(width: int) -> int:
    return max(1, MAX_CELLS // width)
