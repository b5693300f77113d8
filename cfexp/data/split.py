"""Train, validation and test rows of a dataset.

Test rows are chosen first, then validation rows from the rest. The choice never
depends on the ratings' values.
"""

import hashlib
import json
import logging
import re
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from cfexp.data.ratings import IntArray, Ratings
from cfexp.errors import DataError
from cfexp.runtime.memo import read_only
from cfexp.spec import Spec

log = logging.getLogger(__name__)

# Fewer test rows cause a warning.
FEW_ROWS = 30
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Split:
    """Row positions in `Ratings.frame`: disjoint parts that together hold every row.

    Attributes:
        name: Name of the splitter, such as ``random``.
        train: Training rows.
        valid: Validation rows.
        test: Test rows.
        fingerprint: SHA-256 of the data and the rows, see `fingerprint`.
    """

    name: str
    train: IntArray
    valid: IntArray
    test: IntArray
    fingerprint: str

    def __post_init__(self) -> None:
        for part in ("train", "valid", "test"):
            object.__setattr__(self, part, read_only(getattr(self, part)))


class Data(NamedTuple):
    """A dataset with its split."""

    ratings: Ratings
    split: Split


def fingerprint(ratings: Ratings, **parts: IntArray) -> str:
    """Returns a SHA-256 of the ratings and of the rows of each part, as hex digits."""
    digest = hashlib.sha256(ratings.rated_fingerprint.encode())
    for part, rows in parts.items():
        digest.update(part.encode() + rows.astype("<i8").tobytes())
    return digest.hexdigest()


class Splitter(Spec):
    """Base class of splits: chooses test rows, then validation rows from the rest.

    Attributes:
        name: What tables and messages call it; from the class name if not set, as
            ``cold_user`` of ``ColdUser``.
    """

    group: ClassVar[str] = "split"
    name: ClassVar[str]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "name" not in vars(cls):
            cls.name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()

    def split(self, ratings: Ratings, *, seed: int) -> Split:
        """Returns the split; the same `seed` and dataset give the same rows.

        It is shared by all who ask for it in this process.

        Raises:
            DataError: A part would be empty, or the dataset lacks a needed column or
                fold.
        """
        if type(self).__private_attributes__:  # it may depend on more than its fields
            return self._split(ratings, seed)
        settings = json.dumps(self.settings(), sort_keys=True)
        key = ("split", type(self), settings, seed)
        return ratings.shared(key, lambda: self._split(ratings, seed))

    def _split(self, ratings: Ratings, seed: int) -> Split:
        test_rng, valid_rng = np.random.default_rng([seed, 0x5911]).spawn(2)
        is_test = self.test_mask(ratings, test_rng)
        rest = np.flatnonzero(~is_test)
        if not is_test.any() or not len(rest):
            raise self._empty("test" if len(rest) else "train", ratings)
        is_valid = self.valid_mask(ratings, rest, valid_rng)
        parts = {
            "train": rest[~is_valid],
            "valid": rest[is_valid],
            "test": np.flatnonzero(is_test),
        }
        for part, rows in parts.items():
            if not len(rows):
                raise self._empty(part, ratings)
        if len(parts["test"]) < FEW_ROWS:
            log.warning(
                "only %d test rows: the test error of so few is very uncertain",
                len(parts["test"]),
            )
        return Split(self.name, **parts, fingerprint=fingerprint(ratings, **parts))

    @abstractmethod
    def test_mask(self, ratings: Ratings, rng: np.random.Generator) -> BoolArray:
        """Returns which rows of `ratings.frame` are test rows."""

    @abstractmethod
    def valid_mask(
        self, ratings: Ratings, rest: IntArray, rng: np.random.Generator
    ) -> BoolArray:
        """Returns which of the row positions `rest` are validation rows."""

    def _empty(self, part: str, ratings: Ratings) -> DataError:
        return DataError(
            f"split={self.name} of {ratings.name} ({len(ratings.frame)}"
            f" ratings) leaves no {part} rows. Change its sizes ({self})."
        )
