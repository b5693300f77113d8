"""The values of a feature. Value 0 is unknown."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csr_matrix

from cfexp.data.columns import GENRES
from cfexp.data.encoding import FeatureSize, Of
from cfexp.data.text import as_genres, as_text, as_values

SECONDS_A_DAY = 86_400
Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """The values of a feature.

    A column of text has a value for each text. A column of numbers has one for each
    number if there are few, or else one for each tenth of those who have a number:
    unlike a standardised number, a bin can have an effect that is not linear, has an
    unknown value, and does not mind outliers.

    Attributes:
        of: Whose feature it is.
        column: The column that it is read from.
        kind: ``text``; ``level``, a number of few; or ``bin`` of numbers.
        texts: The texts and levels, of value 1 and so on; empty for bins.
        edges: The numbers that bins 2 and so on begin with.
        limits: Lowest and highest number that is known; None: any is.
        rows: As `FeatureSize.rows`.
    """

    of: Of
    column: str
    kind: Literal["text", "level", "bin"]
    texts: tuple[str, ...] = ()
    edges: tuple[float, ...] = ()
    limits: tuple[float, float] | None = None
    rows: int = 0

    @classmethod
    def from_plain(cls, values: Mapping[str, Any]) -> "Vocabulary":
        """Returns the vocabulary of these fields, with lists for tuples, as in JSON."""
        each = values.items()
        plain: dict[str, Any] = {
            k: tuple(v) if isinstance(v, list) else v for k, v in each
        }
        return cls(**plain)

    @property
    def size(self) -> FeatureSize:
        """The size of the vocabulary."""
        values = len(self.edges) + 1 if self.kind == "bin" else len(self.texts)
        return FeatureSize(self.of, values + 1, max(self.rows, values + 1))

    def read(self, column: pd.Series) -> pd.Series:
        """Returns a column that a request brings in the form of a dataset's.

        What is no number, in a column of numbers, is unknown.
        """
        if self.column == GENRES:
            return as_genres(column)
        if self.kind == "text":
            return as_values(column)
        return pd.to_numeric(column, errors="coerce").astype("float64")

    def encode(self, column: pd.Series) -> csr_matrix:
        """Returns 1 where a row has a value, else 0, shape ``(n, width)``.

        Args:
            column: Values in the form of `cfexp.data.side_tables`.
        """
        if self.kind == "bin":
            return self._of_index(self.index(column.to_numpy(np.float64)))
        codes, texts = pd.factorize(column if self.kind == "text" else as_text(column))
        known = {text: value for value, text in enumerate(self.texts, start=1)}
        found = [
            sorted({known.get(part, 0) for part in text.split("|")}) for text in texts
        ]
        ends = np.cumsum([0, *map(len, found)])
        indices = np.array([value for one in found for value in one], np.int32)
        shape = len(texts), self.size.width
        table = csr_matrix((np.ones(ends[-1], np.float32), indices, ends), shape)
        return table[codes]

    def index(self, numbers: Numbers) -> npt.NDArray[np.int32]:
        """Returns the bin of each number, 0 for unknown ones."""
        found = np.searchsorted(np.array(self.edges), numbers, side="right") + 1
        unknown = np.isnan(numbers)
        if self.limits:
            low, high = self.limits
            unknown |= (numbers < low) | (numbers > high)
        return np.where(unknown, 0, found).astype(np.int32)

    def _of_index(self, index: npt.NDArray[np.int32]) -> csr_matrix:
        shape = len(index), self.size.width
        ends = np.arange(len(index) + 1)
        return csr_matrix((np.ones(len(index), np.float32), index, ends), shape)


def days_of(times: Numbers) -> Numbers:
    """Returns the days since 1970 of times in seconds."""
    return np.floor(times / SECONDS_A_DAY)
