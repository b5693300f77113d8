"""The user's own ratings, movies and users, from CSV or Parquet files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import pandas as pd
from pydantic import BeforeValidator

from cfexp.data.cache import cached, file_state
from cfexp.data.columns import COLUMNS, HEADERLESS
from cfexp.data.encodings import encoding_problems
from cfexp.data.layout import Header, Layout
from cfexp.data.ratings import GENRES, ITEM, TITLE, USER, Ratings
from cfexp.data.tables import read_table, separator_problems
from cfexp.data.user_tables import UserTables
from cfexp.errors import DataError
from cfexp.spec import NO_EFFECT


def _of_each_table(header: Any) -> Any:
    """Returns, by table, what the user may say of all of them at once."""
    same = header is None or isinstance(header, bool)
    return dict.fromkeys(COLUMNS, header) if same else header


class Tabular(UserTables):
    r"""Ratings, movies and users in the user's own files.

    Attributes:
        name: Name of the dataset.
        ratings: Path of the ratings, CSV (compressed or not) or ``.parquet``; or paths
            of several files with the same columns, such as train and test ratings.
        movies: Path of the movies; if None, movies have no titles and genres.
        users: Path of the users, with ``userId`` and any columns; None: nothing is
            known of users.
        separator: Column separator of CSV files, taken literally except ``\t`` and
            ``\s+``; None: found out.
        encoding: Encoding of CSV files; None: UTF-8, UTF-16 or cp1252 are found out.
        decimal: Decimal separator of CSV files, a point or a comma; None: found out.
        header: Of ``ratings``, ``movies`` and ``users``, or of all of them: whether a
            CSV file has a header, or the names of the columns of one that has none;
            None: found out.
    """

    name: str = "csv"
    ratings: Annotated[str | tuple[str, ...], NO_EFFECT]
    movies: Annotated[str | None, NO_EFFECT] = None
    users: Annotated[str | None, NO_EFFECT] = None
    separator: str | None = None
    encoding: str | None = None
    decimal: Literal[".", ","] | None = None
    header: Annotated[Mapping[str, Header | None], BeforeValidator(_of_each_table)] = (
        None  # type: ignore[assignment]  # of each table
    )

    def problems(self) -> list[str]:
        found = [] if self.encoding is None else encoding_problems(self.encoding)
        found += [
            f"header.{table} is unknown; choose from {', '.join(COLUMNS)}"
            for table in self.header
            if table not in COLUMNS
        ]
        if not self.ratings:
            found.append("ratings must name one file or more. Got: []")
        if self.separator is not None:
            found += separator_problems(self.separator)
        return found + super().problems()

    def load(self) -> Ratings:
        """Reads and checks the files.

        Raises:
            DataError: A file cannot be read, or its content cannot be used.
        """
        paths = [Path(p).expanduser() for own in self._paths().values() for p in own]
        state = [file_state(path) for path in paths if path.is_file()]
        return cached(self, state, self._parse)

    def _paths(self) -> dict[str, tuple[str, ...]]:
        """Returns the paths of each table's files."""
        given = {"ratings": self.ratings, "movies": self.movies, "users": self.users}
        return {
            table: (paths,) if isinstance(paths, str) else paths
            for table, paths in given.items()
            if paths is not None
        }

    def _parse(self) -> Ratings:
        paths = self._paths()
        return self.checked(
            {table: self._table(table, own) for table, own in paths.items()},
            {table: f"dataset.{table}={own[0]}" for table, own in paths.items()},
        )

    def _table(self, table: str, paths: tuple[str, ...]) -> pd.DataFrame:
        """Returns the rows of all files of a table.

        Raises:
            DataError: A file cannot be read, or has other columns than the first one.
        """
        found = [self._read(table, path) for path in paths]
        for path, frame in zip(paths, found, strict=True):
            if set(frame.columns) != set(found[0].columns):
                raise DataError(
                    f"dataset.{table}: {path} has the columns"
                    f" {', '.join(map(str, frame.columns))}, but {paths[0]} has"
                    f" {', '.join(map(str, found[0].columns))}. Give files with the"
                    " same columns."
                )
        return found[0] if len(found) == 1 else pd.concat(found, ignore_index=True)

    def _read(self, table: str, path: str) -> pd.DataFrame:
        own = self.own_names(table)
        texts = {str(own[name]) for name in (USER, ITEM, TITLE, GENRES) if name in own}
        texts |= set(self.names_of_ids(table) if table != "ratings" else ())
        order = [own[name] for name in HEADERLESS[table]]
        return read_table(
            path,
            option=f"dataset.{table}",
            texts=texts,
            layout=Layout(
                self.separator, self.encoding, self.decimal, self.header.get(table)
            ),
            order=[name for name in order if name is not None],
        )
