"""Distinct test rows of several systems, and each system's errors summed by user.

A row is a user's rating of a movie. Runs of one system with different seeds may test
the same row, and runs on different folds rows of the same user: each row and each user
counts once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from pyarrow import parquet

from cfexp.data.ratings import ITEM, RATING, USER, IntArray
from cfexp.errors import DataError
from cfexp.evaluation.significance import (
    FloatArray,
    UserErrors,
    UserMeasures,
    UserValues,
)

BoolArray = npt.NDArray[np.bool_]
ERROR = "error"
# Of stored predictions.
PREDICTED = "predicted"
# What a metric is of a row alone.
VALUE = "value"


def read_errors(path: str | Path) -> pd.DataFrame:
    """Returns ``userId``, ``movieId``, ``rating`` and ``error`` of a run's predictions.

    Args:
        path: A run's Parquet file of predictions, with a column ``predicted`` in stars;
            without it, as of a model that learned to rank, errors are NaN.
    """
    frame = parquet.read_table(path, use_threads=False).to_pandas()
    predicted = frame.get(PREDICTED, np.nan)
    return frame[[USER, ITEM, RATING]].assign(**{ERROR: predicted - frame[RATING]})


def distinct(frames: Sequence[pd.DataFrame]) -> tuple[list[IntArray], IntArray]:
    """Numbers the distinct rows of some frames.

    Args:
        frames: Frames with ``userId``, ``movieId`` and ``rating``; none has a pair
            twice.

    Returns:
        For each frame, the number of each of its rows; and the user's number of each
        distinct row, shape ``(n,)``, in the order of the user ids.

    Raises:
        DataError: A row has different ratings in different frames.
    """
    together = pd.concat(frames, ignore_index=True)
    user, _ = pd.factorize(together[USER], sort=True)
    item, items = pd.factorize(together[ITEM])
    number, pairs = pd.factorize(user.astype(np.int64) * len(items) + item)
    _check_ratings(together, number, len(pairs))
    ends = np.cumsum([len(frame) for frame in frames])
    return np.split(number, ends[:-1]), pairs // len(items)


@dataclass(frozen=True)
class _Common:
    """The distinct rows that all systems were tested on.

    Attributes:
        user: User of each of these rows, and of others, numbered.
        is_common: Which of them these are.
        rows: For each system, the number of the row of each of its values.
        share: For each system, the weight of each value in the row's mean.
    """

    user: IntArray
    is_common: BoolArray
    rows: Sequence[IntArray]
    share: Sequence[FloatArray]

    @classmethod
    def of(cls, frames: Sequence[Sequence[pd.DataFrame]]) -> "_Common":
        """Returns the common rows of the systems' runs; errors as in `by_user`."""
        numbers, user = distinct([frame for runs in frames for frame in runs])
        ends = np.cumsum([0, *map(len, frames)])
        rows = [np.concatenate(numbers[i:j]) for i, j in pairwise(ends)]
        times = [np.bincount(own, minlength=len(user)) for own in rows]
        common = np.all([n > 0 for n in times], axis=0)
        if not common.any():
            raise DataError(
                "these systems have no test row in common, so that their errors cannot"
                " be compared. Give runs of the same dataset, split and seed"
            )
        pairs = zip(rows, times, strict=True)
        return cls(user, common, rows, [common[own] / n[own] for own, n in pairs])

    def count(self) -> FloatArray:
        """Returns the number of common rows of each user who has any."""
        found = np.bincount(self.user[self.is_common])
        return found[found > 0].astype(np.float64)

    def sums(self, values: Sequence[FloatArray]) -> FloatArray:
        """Returns each user's sums of the systems' values, shape ``(U, R)``."""
        users = np.flatnonzero(np.bincount(self.user[self.is_common]))
        each = zip(self.rows, self.share, values, strict=True)
        return np.column_stack(
            [np.bincount(self.user[own], w * value)[users] for own, w, value in each]
        )


def by_user(
    names: list[str], frames: Sequence[Sequence[pd.DataFrame]]
) -> tuple[UserErrors, int]:
    """Sums errors by user, over the distinct rows that all systems were tested on.

    If several runs of a system test the same row, the system's squared error there is
    the mean of theirs, and so is the absolute error.

    Args:
        names: Names of the R systems.
        frames: For each system, the result of `read_errors` for each of its runs.

    Returns:
        The sums; and the number of distinct rows that any system was tested on.

    Raises:
        DataError: There is no row that all systems were tested on, or a row has
            different ratings in different frames.
    """
    _check_errors(names, frames)
    common, errors = _Common.of(frames), _together(frames, ERROR)
    squared = common.sums([error**2 for error in errors])
    absolute = common.sums([np.abs(error) for error in errors])
    return UserErrors(names, common.count(), squared, absolute), len(common.user)


def values_by_user(
    names: list[str], frames: Sequence[Sequence[pd.DataFrame]]
) -> tuple[UserValues, int]:
    """Sums a metric's values of rows by user; as `by_user`.

    Args:
        names: Names of the R systems.
        frames: For each system, the rows of each of its runs with their `VALUE`.
    """
    common = _Common.of(frames)
    sums = common.sums(_together(frames, VALUE))
    return UserValues(names, common.count(), sums), len(common.user)


def _together(
    frames: Sequence[Sequence[pd.DataFrame]], column: str
) -> list[FloatArray]:
    """Returns a column of all runs of each system."""
    return [
        np.concatenate([frame[column].to_numpy(np.float64) for frame in runs])
        for runs in frames
    ]


def mean_by_user(
    names: list[str], frames: Sequence[Sequence[pd.Series]]
) -> UserMeasures:
    """Returns the measure of each user that all systems have ranked for.

    Of a user that several runs of a system have ranked for, it is the mean of theirs.

    Args:
        names: Names of the R systems.
        frames: For each system, the measure by user of each of its runs.

    Raises:
        DataError: No user is common to all systems.
    """
    each = [pd.concat(runs).dropna().groupby(level=0).mean() for runs in frames]
    table = pd.concat(each, axis=1, join="inner").sort_index()
    if table.empty:
        raise DataError(
            "these systems have ranked for no user in common, so that they cannot be"
            " compared. Give runs of the same dataset, split and seed"
        )
    return UserMeasures(names, table.to_numpy(np.float64))


def _check_errors(names: list[str], frames: Sequence[Sequence[pd.DataFrame]]) -> None:
    """Checks that all systems predict ratings."""
    for name, runs in zip(names, frames, strict=True):
        if any(frame[ERROR].isna().any() for frame in runs):
            raise DataError(
                f"{name} learned to rank: its scores are no ratings and have no errors."
                " Compare how movies are ranked: --metric ranking/full_ndcg_10"
            )


def _check_ratings(together: pd.DataFrame, number: IntArray, n: int) -> None:
    """Checks that rows of the same user and movie have the same rating.

    They may differ if the runs used different datasets with the same ids.
    """
    rating = together[RATING].to_numpy(np.float64)
    first = np.empty(n)
    first[number[::-1]] = rating[::-1]
    wrong = np.flatnonzero(first[number] != rating)
    if not len(wrong):
        return
    at = wrong[0]
    user, item = together[USER].iloc[at], together[ITEM].iloc[at]
    raise DataError(
        f"these runs were tested on different ratings: user {user} rated movie {item}"
        f" with {first[number[at]]:g} in one and {rating[at]:g} in another. Give runs"
        " of the same dataset"
    )
