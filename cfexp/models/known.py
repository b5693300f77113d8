"""The user-movie pairs that a model knows: nothing it says of them is a test."""

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
    """Every pair that a model was trained on, or that its epoch was chosen on.

    They are kept exactly, not hashed: sorted, a pair takes about a byte and a half,
    less than any hash with so few false hits would.

    Attributes:
        frame: Columns ``userId``, ``movieId`` and ``trained``, false where the pair
            chose the epoch or the weights of an ensemble only; one row for each pair,
            sorted by user and movie.
    """

    frame: pd.DataFrame

    @classmethod
    def of(cls, ratings: Ratings, trained: IntArray, chosen: IntArray) -> "KnownPairs":
        """Returns the pairs of some rows.

        Args:
            ratings: The dataset.
            trained: Positions of the rows that a model was trained on.
            chosen: Positions of the rows that something was chosen on.
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
        """Returns the pairs that any of them knows."""
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
            trained_only: Leave out pairs that only something was chosen on.
        """
        known = self.frame[self.frame[TRAINED]] if trained_only else self.frame
        users, items = _ids(known[USER]), _ids(known[ITEM])
        if not len(known):
            return np.zeros(len(pairs), bool)
        wanted = _codes(users, items, pairs)
        codes = _codes(users, items, known)
        if (codes[1:] < codes[:-1]).any():  # in order already, if the pairs were
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
            # Sorted integers are stored as short steps from one to the next.
            use_dictionary=[c for c in (USER, ITEM) if c not in plain],
            column_encoding=dict.fromkeys(plain, "DELTA_BINARY_PACKED"),
        )

    @classmethod
    def load(cls, path: Path) -> "KnownPairs":
        """Reads what `save` wrote."""
        return cls(pd.read_parquet(path))


def _ids(column: pd.Series) -> npt.NDArray[np.generic]:
    return np.sort(column.drop_duplicates().to_numpy())


def _codes(
    users: npt.NDArray[np.generic], items: npt.NDArray[np.generic], pairs: pd.DataFrame
) -> IntArray:
    """Returns a number for each pair of known ids, -1 where an id is not known."""
    user = positions(pairs[USER], users)
    item = positions(pairs[ITEM], items)
    code: IntArray = user * len(items) + item
    code[(user < 0) | (item < 0)] = -1
    return code
