"""The user's own ratings, movies and users, from DataFrames."""

import hashlib
import json
import pickle
import re
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import pandas as pd
from pydantic import PrivateAttr

from cfexp.data.ratings import Ratings
from cfexp.data.text import update_digest
from cfexp.data.user_tables import UserTables
from cfexp.errors import DataError
from cfexp.runtime.memo import Memo
from cfexp.spec import SpecError

# Data in this process, for its experiments to share.
RECENT = Memo(keep=2, max_bytes=250_000_000)


class Frames(UserTables):
    """Ratings, movies and users in the user's DataFrames, for use from Python only.

    Args:
        ratings: Columns ``userId``, ``movieId``, ``rating`` and optionally
            ``timestamp`` (seconds since 1970, dates, or ISO 8601).
        movies: Columns ``movieId`` and optionally ``title`` and ``genres`` (lists, or
            joined by ``|``); if None, movies have no titles and genres.
        users: Columns ``userId`` and any others, see `cfexp.data.side_tables`; None:
            nothing is known of users.
        values: Other fields, see `UserTables`.

    Attributes:
        name: Name of the dataset.
    """

    name: str = "frames"
    _tables: dict[str, pd.DataFrame] = PrivateAttr(default_factory=dict)

    def __init__(
        self,
        ratings: pd.DataFrame | None = None,
        movies: pd.DataFrame | None = None,
        users: pd.DataFrame | None = None,
        **values: Any,
    ):
        super().__init__(**values)
        given = {"ratings": ratings, "movies": movies, "users": users}
        self._tables = {t: _frame(t, f) for t, f in given.items() if f is not None}

    def __eq__(self, other: object) -> bool:
        """Returns whether both have equal options, and the same frame objects."""
        if not isinstance(other, Frames) or self.settings() != other.settings():
            return False
        mine, theirs = self._tables, other._tables
        return mine.keys() == theirs.keys() and all(mine[t] is theirs[t] for t in mine)

    __hash__ = None  # type: ignore[assignment]  # it holds tables

    def replace(self, **changes: Any) -> Self:
        found = super().replace(**changes)
        found._tables = {**self._tables, **found._tables}
        return found

    def load(self) -> Ratings:
        """Checks the frames, or returns what came of equal ones in this process.

        Raises:
            DataError: Their content cannot be used, or the object was restored from
                settings, which do not hold frames.
        """
        if "ratings" not in self._tables:
            raise DataError(
                f"{self.name}: the ratings were a DataFrame in a Python program, which"
                " is not saved. Train the same experiment in Python again, or give the"
                " ratings as a file with dataset=csv dataset.ratings=FILE"
            )
        digest = _digest(self._tables)
        if digest is None:
            return self._checked()
        settings = json.dumps(self.settings(), sort_keys=True)
        return RECENT((type(self), settings, digest), self._checked)

    def _checked(self) -> Ratings:
        where = {table: f"the DataFrame of {table}" for table in self._tables}
        try:
            return self.checked(self._tables, where)
        except DataError as error:
            raise DataError(_in_python(str(error))) from None


def _frame(table: str, given: object) -> pd.DataFrame:
    """Returns a table with a named index as columns.

    Raises:
        SpecError: It is not a DataFrame.
    """
    if not isinstance(given, pd.DataFrame):
        raise SpecError(
            f"{table} must be a DataFrame. Got: {type(given).__name__}; for files, use"
            " cfexp.data.Tabular"
        )
    indexed = any(name is not None for name in given.index.names)
    return given.reset_index() if indexed else given.copy(deep=False)


def _digest(tables: Mapping[str, pd.DataFrame]) -> str | None:
    """Returns a hash of tables; None if they hold objects that cannot be pickled.

    It takes a fifth of the time of checking them.
    """
    digest = hashlib.sha256()
    for table, frame in tables.items():
        for name, column in frame.items():
            digest.update(f"{table} {name!r} {column.dtype} {len(column)}".encode())
            try:
                _add(digest, column)
            except (pickle.PicklingError, TypeError, AttributeError):
                return None
    return digest.hexdigest()


def _add(digest: "hashlib._Hash", column: pd.Series) -> None:
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iufbM":
        digest.update(np.ascontiguousarray(column.to_numpy()).tobytes())
    elif pd.api.types.infer_dtype(column, skipna=False) == "string":
        update_digest(digest, column)
    else:
        digest.update(pickle.dumps(column.tolist()))


def _in_python(text: str) -> str:
    """Returns a message with options as Python arguments, such as ``columns={...}``."""
    text = text.replace("dataset=csv with dataset.columns", "dataset.columns")
    mapped = r"dataset\.columns\.(\w+)=(\"'[^']*'\"|[^\s?:,;]*[^\s?:,;.])"
    text = re.sub(
        rf"{mapped}(?: {mapped})*",
        lambda found: f"columns={_pairs(re.findall(mapped, found[0]))}",
        text,
    )
    text = re.sub(r"Set dataset\.columns\.(\w+) to the file's name of it", _named, text)
    return re.sub(r"dataset\.(\w+)(?==|\b)", r"\1", text)


def _pairs(found: list[tuple[str, str]]) -> str:
    names = {n: None if own == "null" else own.strip("\"'") for n, own in found}
    return str(names)


def _named(found: re.Match[str]) -> str:
    return f"Name it with columns={{'{found[1]}': YOUR_NAME}}"
