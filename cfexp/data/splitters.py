"""The splits that choose test and validation rows in the same way."""

from abc import abstractmethod
from typing import Annotated, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field

from cfexp.data.folds import Share, drawn
from cfexp.data.ratings import ITEM, TIMESTAMP, USER, IntArray, Ratings
from cfexp.data.split import BoolArray, Splitter
from cfexp.errors import DataError


class _Holdout(Splitter):
    """A split that chooses test and validation rows in the same way.

    Attributes:
        test_size: Test rows, as a share of all rows.
        valid_size: Validation rows, as a share of the rows that are not test rows.
    """

    test_size: Share = 0.2
    valid_size: Share = 0.1

    def test_mask(self, ratings: Ratings, rng: np.random.Generator) -> BoolArray:
        return self.holdout(ratings.frame, self.test_size, rng)

    def valid_mask(
        self, ratings: Ratings, rest: IntArray, rng: np.random.Generator
    ) -> BoolArray:
        return self.holdout(ratings.frame.iloc[rest], self.valid_size, rng)

    @abstractmethod
    def holdout(
        self, frame: pd.DataFrame, size: float, rng: np.random.Generator
    ) -> BoolArray:
        """Returns which rows are held out, about ``size * len(frame)`` of them."""


class RandomHoldout(_Holdout):
    """Holds out ratings drawn uniformly."""

    name: ClassVar[str] = "random"

    def holdout(
        self, frame: pd.DataFrame, size: float, rng: np.random.Generator
    ) -> BoolArray:
        return drawn(len(frame), size, rng)


class PerUser(_Holdout):
    """Holds out the same share of every user's ratings, rounded down."""

    def holdout(
        self, frame: pd.DataFrame, size: float, rng: np.random.Generator
    ) -> BoolArray:
        user = pd.factorize(frame[USER])[0]
        rank = _rank_by_user(user, rng.random(len(frame)))
        return rank < np.floor(np.bincount(user)[user] * size + 1e-9)


class ColdUser(_Holdout):
    """Holds out all ratings of a share of the users."""

    def holdout(
        self, frame: pd.DataFrame, size: float, rng: np.random.Generator
    ) -> BoolArray:
        return _whole_groups(frame[USER], size, rng)


class ColdItem(_Holdout):
    """Holds out all ratings of a share of the movies."""

    def holdout(
        self, frame: pd.DataFrame, size: float, rng: np.random.Generator
    ) -> BoolArray:
        return _whole_groups(frame[ITEM], size, rng)


class Temporal(_Holdout):
    """Holds out the latest ratings: none of them is older than a remaining one."""

    def holdout(
        self, frame: pd.DataFrame, size: float, rng: np.random.Generator
    ) -> BoolArray:
        times = _timestamps(frame, "temporal")
        cut = np.sort(times)[int(len(times) * (1 - size))]
        return times >= cut


class _LeaveOut(Splitter):
    """Tests on `k` ratings of each user; another `k` are for validation.

    All ratings of users with fewer than ``2 k + 1`` ratings are for training.

    Attributes:
        k: Number of test ratings, and of validation ratings, of each user.
    """

    k: Annotated[int, Field(ge=1)] = 1

    def test_mask(self, ratings: Ratings, rng: np.random.Generator) -> BoolArray:
        return self._left_out(ratings, np.arange(len(ratings.frame)), rng)

    def valid_mask(
        self, ratings: Ratings, rest: IntArray, rng: np.random.Generator
    ) -> BoolArray:
        return self._left_out(ratings, rest, rng)

    def _left_out(
        self, ratings: Ratings, rows: IntArray, rng: np.random.Generator
    ) -> BoolArray:
        """Returns which of some rows are their user's first `k`, ties in any order."""
        user = pd.factorize(ratings.frame[USER])[0]
        in_all = np.bincount(user)[user]
        keys = *self.order(ratings, rows), rng.random(len(rows))
        rank = _rank_by_user(user[rows], *keys)
        return (rank < self.k) & (in_all[rows] >= 2 * self.k + 1)

    @abstractmethod
    def order(
        self, ratings: Ratings, rows: IntArray
    ) -> tuple[npt.NDArray[np.number], ...]:
        """Returns what some rows are ordered by: the lowest are left out first."""


class LeaveLastOut(_LeaveOut):
    """Tests on each user's last `k` ratings; the `k` before them are for validation.

    All ratings of users with fewer than ``2 k + 1`` ratings are for training. Ties at
    the same second are broken at random, by the seed.

    Attributes:
        k: Number of test ratings, and of validation ratings, of each user.
    """

    name: ClassVar[str] = "leave_last"

    def order(
        self, ratings: Ratings, rows: IntArray
    ) -> tuple[npt.NDArray[np.number], ...]:
        return (-_timestamps(ratings.frame, "leave_last")[rows],)


class LeaveRandomOut(_LeaveOut):
    """Tests on `k` ratings of each user, drawn at random; `k` others for validation.

    For data without times. All ratings of users with fewer than ``2 k + 1`` ratings are
    for training.

    Attributes:
        k: Number of test ratings, and of validation ratings, of each user.
    """

    name: ClassVar[str] = "leave_random"

    def order(
        self, ratings: Ratings, rows: IntArray
    ) -> tuple[npt.NDArray[np.number], ...]:
        return ()


def _whole_groups(ids: pd.Series, size: float, rng: np.random.Generator) -> BoolArray:
    unique = np.sort(ids.unique())
    held_out = rng.permutation(unique)[: round(len(unique) * size)]
    return ids.isin(held_out).to_numpy()


def _rank_by_user(user: IntArray, *keys: npt.NDArray[np.number]) -> IntArray:
    """Returns each row's rank within its user, by the first key, then the next."""
    count = np.bincount(user)
    order = np.lexsort((*keys[::-1], user))
    start = np.concatenate([[0], np.cumsum(count)[:-1]])
    rank = np.empty(len(user), np.int64)
    rank[order] = np.arange(len(user)) - np.repeat(start, count)
    return rank


def _timestamps(frame: pd.DataFrame, split: str) -> npt.NDArray[np.number]:
    if TIMESTAMP not in frame.columns:
        raise DataError(
            f"split={split} needs a timestamp column; the ratings have"
            f" {', '.join(frame.columns)}. Map it in dataset.columns.timestamp, or"
            " choose split=random."
        )
    # Not converted to floats, which would round nanoseconds to ties.
    return frame[TIMESTAMP].to_numpy()
