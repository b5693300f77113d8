"""The splits whose test rows are one of several folds."""

from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from cfexp.data.ratings import IntArray, Ratings
from cfexp.data.split import BoolArray, Splitter
from cfexp.errors import DataError
from cfexp.spec import REPEATS

# A share of the rows.
Share = Annotated[float, Field(gt=0, lt=1)]
MIN_FOLD_ROWS = 10


class Fold(Splitter):
    """Base class of splits whose test rows are one of several folds.

    Attributes:
        valid_size: Validation rows, drawn uniformly, as a share of the other folds.
    """

    valid_size: Share = 0.05

    def valid_mask(
        self, ratings: Ratings, rest: IntArray, rng: np.random.Generator
    ) -> BoolArray:
        return drawn(len(rest), self.valid_size, rng)


class KFold(Fold):
    """Tests on one of several random folds of equal size.

    The folds of one seed are disjoint and together hold every row.

    Attributes:
        folds: Number of folds, each of 10 ratings or more.
        fold: The fold to test on, from 0.
    """

    name: ClassVar[str] = "kfold"

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


class Official(Fold):
    """Tests on a fold published with the dataset, such as u1.test of ml-100k.

    Or on one that a column of the ratings names, such as ``test``.

    Attributes:
        fold: Name of the fold.
        valid_fold: Name of the fold to validate on; None: rows drawn from the others.
    """

    fold: Annotated[str, REPEATS] = "1"
    valid_fold: str | None = None

    def problems(self) -> list[str]:
        if self.valid_fold != self.fold:
            return []
        return [f"valid_fold must be another fold than fold={self.fold}"]

    def test_mask(self, ratings: Ratings, rng: np.random.Generator) -> BoolArray:
        return self._mask(ratings, "fold", self.fold)

    def valid_mask(
        self, ratings: Ratings, rest: IntArray, rng: np.random.Generator
    ) -> BoolArray:
        if self.valid_fold is None:
            return super().valid_mask(ratings, rest, rng)
        return self._mask(ratings, "valid_fold", self.valid_fold)[rest]

    def _mask(self, ratings: Ratings, option: str, fold: str) -> BoolArray:
        if fold not in ratings.official_tests:
            have = ", ".join(ratings.official_tests) or "none"
            raise DataError(
                f"{ratings.name} has no official fold {fold!r}; its folds: {have}."
                f" Choose one of them with split.{option}=, or another split, such as"
                " split=random."
            )
        return mask_of(len(ratings.frame), ratings.official_tests[fold])


def mask_of(n_rows: int, rows: IntArray) -> BoolArray:
    """Returns a mask of the rows at some positions."""
    mask = np.zeros(n_rows, bool)
    mask[rows] = True
    return mask


def drawn(n_rows: int, size: float, rng: np.random.Generator) -> BoolArray:
    """Returns a mask of a share of some rows, drawn uniformly."""
    return mask_of(n_rows, rng.permutation(n_rows)[: round(n_rows * size)])
