"""The splits: ways to choose test and validation rows."""

from abc import abstractmethod
from typing import Annotated

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field

from cfexp.data.ratings import ITEM, TIMESTAMP, USER, IntArray, Ratings
from cfexp.data.split import BoolArray, Splitter
from cfexp.errors import DataError
from cfexp.spec import REPEATS

# A share of the rows.
Share = Annotated[float, Field(gt=0, lt=1)]
MIN_FOLD_ROWS = 10


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

    def holdout(
        self, frame: pd.DataFrame, size: float, rng: np.random.Generator
    ) -> BoolArray:
        return _random(len(frame), size, rng)


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


class LeaveLastOut(Splitter):
    """Tests on each user's last `k` ratings; the `k` before them are for validation.

    All ratings of users with fewer than ``2 k + 1`` ratings are for training. Ties at
    the same second are broken at random, by the seed.

    Attributes:
        k: Number of test ratings, and of validation ratings, of each user.
    """

    k: Annotated[int, Field(ge=1)] = 1

    def test_mask(self, ratings: Ratings, rng: np.random.Generator) -> BoolArray:
        return self._last(ratings, np.arange(len(ratings.frame)), rng)

    def valid_mask(
        self, ratings: Ratings, rest: IntArray, rng: np.random.Generator
    ) -> BoolArray:
        return self._last(ratings, rest, rng)

    def _last(
        self, ratings: Ratings, rows: IntArray, rng: np.random.Generator
    ) -> BoolArray:
        """Returns which of some rows are their user's last `k` among them."""
        times = _timestamps(ratings.frame, "leave_last")[rows]
        user = pd.factorize(ratings.frame[USER])[0]
        in_all = np.bincount(user)[user]
        rank = _rank_by_user(user[rows], -times, rng.random(len(rows)))
        return (rank < self.k) & (in_all[rows] >= 2 * self.k + 1)


class _Fold(Splitter):
    """A split whose test rows are one of several folds.

    Attributes:
        valid_size: Validation rows, drawn uniformly, as a share of the other folds.
    """

    valid_size: Share = 0.05

    def valid_mask(
        self, ratings: Ratings, rest: IntArray, rng: np.random.Generator
    ) -> BoolArray:
        return _random(len(rest), self.valid_size, rng)


class KFold(_Fold):
    """Tests on one of several random folds of equal size.

    The folds of one seed are disjoint and together hold every row.

    Attributes:
        folds: Number of folds, each of 10 ratings or more.
        fold: The fold to test on, from 0.
    """

    folds: Annotated[int, Field(ge=2)] = 5
    fold: Annotated[int, Field(ge=0), REPEATS] = 0

    def problems(self) -> list[str]:
        if self.fold < self.folds:
            return []
        return [f"fold must be below folds={self.folds}. Got: {self.fold}"]

    def test_mask(self, ratings: Ratings, rng: np.random.Generator) -> BoolArray:
        n_rows = len(ratings.frame)
        if n_rows < self.folds * MIN_FOLD_ROWS:
            raise DataError(
                f"split.folds={self.folds} leaves fewer than {MIN_FOLD_ROWS} of"
                f" {ratings.name}'s {n_rows:,} ratings in a fold. Set split.folds to at"
                f" most {n_rows // MIN_FOLD_ROWS}."
            )
        fold_of_row = np.arange(n_rows) % self.folds
        return rng.permutation(fold_of_row) == self.fold


class Official(_Fold):
    """Tests on a fold published with the dataset, such as u1.test of ml-100k.

    Attributes:
        fold: Name of the fold.
    """

    fold: Annotated[str, REPEATS] = "1"

    def test_mask(self, ratings: Ratings, rng: np.random.Generator) -> BoolArray:
        if self.fold not in ratings.official_tests:
            have = ", ".join(ratings.official_tests) or "none"
            raise DataError(
                f"{ratings.name} has no official fold {self.fold!r}; its folds: {have}."
                " Choose one of them with split.fold=, or another split, such as"
                " split=random."
            )
        mask = np.zeros(len(ratings.frame), bool)
        mask[ratings.official_tests[self.fold]] = True
        return mask


def _random(n_rows: int, size: float, rng: np.random.Generator) -> BoolArray:
    mask = np.zeros(n_rows, bool)
    mask[rng.permutation(n_rows)[: round(n_rows * size)]] = True
    return mask


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
