"""The split that files give: test rows, and perhaps validation rows."""

from typing import Annotated

import numpy as np
from pydantic import Field

from cfexp.data.checks import first_row
from cfexp.data.folds import Fold, mask_of
from cfexp.data.layout import Layout
from cfexp.data.pairs import listed_rows
from cfexp.data.ratings import ITEM, RATING, TIMESTAMP, USER, IntArray, Ratings
from cfexp.data.split import BoolArray, Split
from cfexp.data.tables import read_table, separator_problems
from cfexp.errors import DataError
from cfexp.spec import REPEATS


class Given(Fold):
    """Tests on the pairs of users and movies that a file lists.

    Attributes:
        test: Path of the test pairs, CSV or Parquet; other columns are not read.
        valid: Path of the validation pairs; None: rows drawn uniformly from the others.
        folds: Instead of `test`, paths of the test pairs of each fold.
        fold: The fold to test on, from 0.
        user_column: The files' name of the users' ids.
        item_column: The files' name of the movies' ids.
        separator: Column separator of CSV files; None: found out.
    """

    test: str | None = None
    valid: str | None = None
    folds: tuple[str, ...] = ()
    fold: Annotated[int, Field(ge=0), REPEATS] = 0
    user_column: str = USER
    item_column: str = ITEM
    separator: str | None = None

    def problems(self) -> list[str]:
        found = []
        if (self.test is None) == (not self.folds):
            found.append(
                "test must name the file of the test pairs, or folds one for each fold;"
                f" give one of both. Got: test={self.test} folds={list(self.folds)}"
            )
        if self.fold >= max(1, len(self.folds)):
            found.append(
                f"fold must be below the number of folds, {max(1, len(self.folds))}."
                f" Got: {self.fold}"
            )
        if self.separator is not None:
            found += separator_problems(self.separator)
        return found

    def split(self, ratings: Ratings, *, seed: int) -> Split:
        return self._split(ratings, seed)  # files may change: it is not kept

    def test_mask(self, ratings: Ratings, rng: np.random.Generator) -> BoolArray:
        if self.test is not None:
            return self._mask(ratings, "test", self.test)
        return self._mask(ratings, "folds", self.folds[self.fold])

    def valid_mask(
        self, ratings: Ratings, rest: IntArray, rng: np.random.Generator
    ) -> BoolArray:
        if self.valid is None:
            return super().valid_mask(ratings, rest, rng)
        is_valid = self._mask(ratings, "valid", self.valid)
        both = int(is_valid.sum() - is_valid[rest].sum())
        if both:
            rows = np.setdiff1d(np.flatnonzero(is_valid), rest)
            pairs = ratings.frame[[USER, ITEM]].iloc[rows]
            raise DataError(
                f"split.valid={self.valid}: {both} of its pairs are test pairs too."
                f" First: {first_row(pairs)}. Remove them from one of the files."
            )
        return is_valid[rest]

    def _mask(self, ratings: Ratings, option: str, path: str) -> BoolArray:
        """Returns which rows a file lists."""
        own = {self.user_column: USER, self.item_column: ITEM}
        frame = read_table(
            path,
            option=f"split.{option}",
            texts=own,
            layout=Layout(self.separator),
            order=(*own, RATING, TIMESTAMP),
        )
        rows = listed_rows(ratings, frame, own, f"split.{option}={path}")
        return mask_of(len(ratings.frame), rows)
