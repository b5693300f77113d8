"""How jobs share a dataset: tables that nobody can change, and what is made of them."""

import hashlib
from collections.abc import Callable, Hashable, Iterable
from typing import Any, TypeVar, overload

import numpy as np
import pandas as pd

from cfexp.data.ids import IntArray
from cfexp.runtime.memo import Memo, read_only

# What is kept of one dataset: about 15 splits of ml-100k with their encoded rows and
# baselines, or one of ml-1m.
KEEP, KEEP_BYTES = 200, 50_000_000
# What is made of more rows is not kept: looking it up takes long, and it hardly fits.
MANY_ROWS = 2_000_000
T = TypeVar("T")

TEXT = "O"  # the kind of NumPy's arrays of Python objects
COPY_ON_WRITE = int(pd.__version__.partition(".")[0]) >= 3


class Table:
    """A dataclass's field that holds a table which nobody can change.

    Reading it returns a new frame that shares the values. With pandas 3, changing that
    frame copies them; with pandas 2, changing a number raises a `ValueError`, and texts
    are copied at once.

    Args:
        empty: The table that None stands for; if None, the field has no default.
    """

    def __init__(self, empty: pd.DataFrame | None = None):
        self._empty = empty

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = f"_{name}"

    @overload
    def __get__(self, instance: None, owner: type) -> Any: ...
    @overload
    def __get__(self, instance: object, owner: type) -> pd.DataFrame: ...
    def __get__(self, instance: object | None, owner: type) -> Any:
        if instance is None:  # dataclasses ask for a default
            if self._empty is None:
                raise AttributeError(self._name)
            return None
        table = vars(instance)[self._name].copy(deep=False)
        for name in [] if COPY_ON_WRITE else table.columns:
            if table[name].dtype.kind == TEXT:
                table[name] = table[name].copy()
        return table

    def __set__(self, instance: object, table: pd.DataFrame | None) -> None:
        table = self._empty if table is None else table
        assert table is not None
        vars(instance)[self._name] = _frozen(table)


def _frozen(table: pd.DataFrame) -> pd.DataFrame:
    """Returns a table with the same values, which cannot be changed through it."""
    if COPY_ON_WRITE:
        return table.copy(deep=False)
    columns = {name: table[name].to_numpy() for name in table}
    for name, column in columns.items():
        # Not texts: parts of pandas 2 cannot read objects that cannot be changed.
        is_text = column.dtype.kind == TEXT
        columns[name] = column.copy() if is_text else read_only(column)
    return pd.DataFrame(columns, index=table.index, copy=False)


class Shared(Memo):
    """What is made of a dataset, for the jobs of a process to share."""

    def __init__(self) -> None:
        super().__init__(keep=KEEP, max_bytes=KEEP_BYTES)

    def of_rows(
        self, key: Hashable, rows: Iterable[IntArray], make: Callable[[], T]
    ) -> T:
        """Returns what is made of some rows.

        Args:
            key: What it is, and what it depends on besides the rows.
            rows: Row positions.
            make: Makes it; the result must not be changed.
        """
        rows = list(rows)
        if sum(map(len, rows)) > MANY_ROWS:
            return make()
        digest = hashlib.sha256()
        for one in rows:
            digest.update(np.array([len(one)]).tobytes() + one.tobytes())
        return self((key, digest.digest()), make)

    def __reduce__(self) -> tuple[Any, ...]:
        return Shared, ()
