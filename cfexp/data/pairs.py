"""Rows of a dataset, by their pairs of users and movies."""

import numpy as np
import pandas as pd

from cfexp.data.checks import first_row
from cfexp.data.ratings import ITEM, USER, IntArray, Ratings
from cfexp.errors import DataError


def rows_of_pairs(ratings: Ratings, pairs: pd.DataFrame) -> IntArray:
    """Returns the row positions in `ratings` of the pairs (``userId``, ``movieId``).

    Raises:
        DataError: A pair is not among the ratings.
    """
    index = pd.MultiIndex.from_frame(ratings.frame[[USER, ITEM]])
    rows = index.get_indexer(pd.MultiIndex.from_frame(pairs[[USER, ITEM]]))
    if (rows < 0).any():
        raise DataError(
            f"{ratings.name}: {int((rows < 0).sum())} pairs of a published fold are not"
            f" among the ratings. First: {first_row(pairs[rows < 0])}. The files do not"
            " belong together: download the dataset again."
        )
    return np.sort(rows).astype(np.int64)
