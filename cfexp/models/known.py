"""The user-movie pairs that a model knows, and so cannot be tested on."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from pandas.api.types import is_integer_dtype
from pyarrow import parquet

from cfexp.data.ids import positions
from cfexp.data.ratings import ITEM, USER, IntArray, Ratings

BoolArray = npt.NDArray[np.bool_]
TRAINED = "trained"


@dataclass(frozen=True)
class KnownPairs:
    """The pairs that a model was trained on, or that its epoch was chosen on.

    They are saved exactly, not hashed: sorted, a pair takes about one and a half bytes.

    Attributes:
        frame: Columns ``userId``, ``movieId`` and ``trained``, false if the pair only
            served to choose the epoch or an ensemble's weights; one row for each pair,
            sorted by user and movie.
    """

    frame: pd.DataFrame

    @classmethod
    def of(cls, ratings: Ratings, trained: IntArray, chosen: IntArray) -> "KnownPairs":
        """Returns the known pairs of a model.

        Args:
            ratings: The dataset.
            trained: Positions of the rows that it was trained on.
            chosen: Positions of the rows that its epoch or weights were chosen on.
        """
        is_trained = np.zeros(len(ratings.frame), bool)
        is_trained[trained] = True
        rows = is_trained.copy()
        rows[chosen] = True
        pairs = ratings.frame.loc[rows, [USER, ITEM]].reset_index(drop=True)
        return cls(pairs.assign(**{TRAINED: is_trained[rows]}))

    def __len__(self) -> int:
        return len(self.frame)

    def union(self, *others: "KnownPairs") -> "KnownPairs":
        """Returns the pairs that are known to any of these models."""
        frames = [self.frame, *(other.frame for other in others)]
        kinds = {}
        for name in (USER, ITEM):
            # Ids that are numbers in one dataset may be text in another.
            numbers = all(is_integer_dtype(frame[name]) for frame in frames)
            kinds[name] = "int64" if numbers else "str"
        both = pd.concat([f.astype(kinds) for f in frames], ignore_index=True)
        merged = both.groupby([USER, ITEM], as_index=False)[TRAINED].any()
        return KnownPairs(merged)

    def among(self, pairs: pd.DataFrame, *, trained_only: bool) -> BoolArray:
        """Returns which of some pairs are known, shape ``(n,)``.

        Args:
            pairs: Columns ``userId`` and ``movieId``.
            trained_only: Ignore pairs that were not trained on.
        """
        known = self.frame[self.frame[TRAINED]] if trained_only else self.frame
        users, items = _ids(known[USER]), _ids(known[ITEM])
        if not len(known):
            return np.zeros(len(pairs), bool)
        wanted = _codes(users, items, pairs)
        codes = _codes(users, items, known)
        if (codes[1:] < codes[:-1]).any():  # sorted already, if the frame was
            codes.sort()
        place = np.searchsorted(codes, wanted).clip(max=len(codes) - 1)
        found: BoolArray = codes[place] == wanted
        return found

    def save(self, path: Path) -> None:
        """Writes the pairs as Parquet."""
        plain = [name for name in (USER, ITEM) if is_integer_dtype(self.frame[name])]
        parquet.write_table(
            pa.Table.from_pandas(self.frame, preserve_index=False),
            path,
            compression="zstd",
            # Sorted integers are stored as small differences.
            use_dictionary=[c for c in (USER, ITEM) if c not in plain],
            column_encoding=dict.fromkeys(plain, "DELTA_BINARY_PACKED"),
        )

    @classmethod
    def load(cls, path: Path) -> "KnownPairs":
        """Reads pairs written by `save`."""
        return cls(pd.read_parquet(path))


def _ids(column: pd.Series) -> npt.NDArray[np.generic]:
    return np.sort(column.drop_duplicates().to_numpy())


def _codes(
    users: npt.NDArray[np.generic], items: npt.NDArray[np.generic], pairs: pd.DataFrame
) -> IntArray:
    """Returns a number for each pair of known ids, -1 if an id is unknown."""
    user = positions(pairs[USER], users)
    item = positions(pairs[ITEM], items)
    code: IntArray = user * len(items) + item
    code[(user < 0) | (item < 0)] = -1
    return code
