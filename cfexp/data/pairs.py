"""Rows of a dataset, by their pairs of users and movies."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cfexp.data.checks import first_row, require_values
from cfexp.data.ids import positions
from cfexp.data.ratings import ITEM, USER, IntArray, Ratings
from cfexp.errors import DataError


def positions_of_pairs(ratings: Ratings, pairs: pd.DataFrame) -> IntArray:
    """Returns the row position in `ratings` of each pair, -1 where it is not rated.

    Args:
        ratings: The dataset.
        pairs: Columns ``userId`` and ``movieId``, with ids in any form.
    """
    frame = ratings.frame
    users, items = (pd.Index(frame[name].unique()) for name in (USER, ITEM))

    def codes(table: pd.DataFrame) -> IntArray:
        user, item = positions(table[USER], users), positions(table[ITEM], items)
        code = user * len(items) + item
        return np.where((user < 0) | (item < 0), -1, code)

    return pd.Index(codes(frame)).get_indexer(pd.Index(codes(pairs))).astype(np.int64)


def rows_of_pairs(ratings: Ratings, pairs: pd.DataFrame) -> IntArray:
    """Returns the row positions in `ratings` of the pairs of a published fold, sorted.

    Raises:
        DataError: A pair is not among the ratings.
    """
    rows = positions_of_pairs(ratings, pairs)
    if (rows < 0).any():
        raise DataError(
            f"{ratings.name}: {int((rows < 0).sum())} pairs of a published fold are not"
            f" among the ratings. First: {first_row(pairs[rows < 0])}. The files do not"
            " belong together: download the dataset again."
        )
    return np.sort(rows)


def listed_rows(
    ratings: Ratings, table: pd.DataFrame, columns: Mapping[str, str], where: str
) -> IntArray:
    """Returns the row positions in `ratings` of the pairs that a table lists.

    Args:
        ratings: The dataset.
        table: The table.
        columns: ``userId`` and ``movieId``, by the table's names of them.
        where: What the table is, for messages.

    Raises:
        DataError: A column or an id is missing, or a pair is not rated.
    """
    for column, name in columns.items():
        if column not in table.columns:
            which = "user" if name == USER else "item"
            raise DataError(
                f"{where} has no column {column}; it has:"
                f" {', '.join(map(str, table.columns))}. Set split.{which}_column to"
                " the file's name of it."
            )
    pairs = table[list(columns)].rename(columns=columns)
    require_values(where, "pairs", pairs, [USER, ITEM])
    rows = positions_of_pairs(ratings, pairs)
    if (rows < 0).any():
        raise DataError(
            f"{where}: {int((rows < 0).sum()):,} of its {len(rows):,} pairs are not"
            f" among the ratings of {ratings.name}. First:"
            f" {first_row(pairs[rows < 0])}. Add their ratings: dataset.ratings takes"
            " several files, [train.csv,test.csv]."
        )
    return rows
