"""Distinct test rows of several systems, and each system's errors summed by user.

A row is a user's rating of a movie. Runs of one system with different seeds may test
the same row, and runs on different folds rows of the same user: each row and each user
counts once.
"""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from pyarrow import parquet

from cfexp.data.ratings import ITEM, RATING, USER, IntArray
from cfexp.errors import DataError
from cfexp.evaluation.significance import UserErrors, UserMeasures

ERROR = "error"


def read_errors(path: str | Path) -> pd.DataFrame:
    """Returns ``userId``, ``movieId``, ``rating`` and ``error`` of a run's predictions.

    Args:
        path: A run's Parquet file of predictions, with a column ``predicted`` in stars;
            without it, as of a model that learned to rank, errors are NaN.
    """
    frame = parquet.read_table(path, use_threads=False).to_pandas()
    predicted = frame.get("predicted", np.nan)
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
    numbers, user = distinct([frame for runs in frames for frame in runs])
    ends = np.cumsum([0, *map(len, frames)])
    rows = [np.concatenate(numbers[i:j]) for i, j in pairwise(ends)]
    times = [np.bincount(own, minlength=len(user)) for own in rows]
    common = np.all([n > 0 for n in times], axis=0)
    if not common.any():
        raise DataError(
            "these systems have no test row in common, so that their errors cannot be"
            " compared. Give runs of the same dataset, split and seed"
        )
    users = np.flatnonzero(np.bincount(user[common]))
    squared, absolute = [], []
    for runs, own, n in zip(frames, rows, times, strict=True):
        error = np.concatenate([frame[ERROR].to_numpy(np.float64) for frame in runs])
        share = common[own] / n[own]  # weight of each run's error in the row's mean
        squared.append(np.bincount(user[own], share * error**2)[users])
        absolute.append(np.bincount(user[own], share * np.abs(error))[users])
    found = UserErrors(
        names,
        np.bincount(user[common])[users].astype(np.float64),
        np.column_stack(squared),
        np.column_stack(absolute),
    )
    return found, len(user)


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
