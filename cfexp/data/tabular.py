"""The user's own ratings, movies and users, from CSV or Parquet files."""

from pathlib import Path
from typing import Annotated

import pandas as pd

from cfexp.data.cache import cached, file_state
from cfexp.data.ratings import GENRES, ITEM, RATING, TIMESTAMP, TITLE, USER, Ratings
from cfexp.data.tables import encoding_problems, read_table, separator_problems
from cfexp.data.user_tables import UserTables
from cfexp.errors import DataError
from cfexp.spec import NO_EFFECT

# The columns of files without a header, in their order.
HEADERLESS = {
    "ratings": (USER, ITEM, RATING, TIMESTAMP),
    "movies": (ITEM, TITLE, GENRES),
}


class Tabular(UserTables):
    """Ratings, movies and users in the user's own files.

    Attributes:
        name: Name of the dataset.
        ratings: Path of the ratings, CSV (compressed or not) or ``.parquet``; or paths
            of several files with the same columns, such as train and test ratings.
        movies: Path of the movies; if None, movies have no titles and genres.
        users: Path of the users, with ``userId`` and any columns; None: nothing is
            known of users.
        separator: Column separator of CSV files, see `cfexp.data.tables.read_table`.
        encoding: Encoding of CSV files.
    """

    name: str = "csv"
    ratings: Annotated[str | tuple[str, ...], NO_EFFECT]
    movies: Annotated[str | None, NO_EFFECT] = None
    users: Annotated[str | None, NO_EFFECT] = None
    separator: str | None = None
    encoding: str = "utf-8"

    def problems(self) -> list[str]:
        found = encoding_problems(self.encoding)
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
        ids = {str(own[name]) for name in (USER, ITEM) if name in own}
        ids |= set(self.names_of_ids(table) if table != "ratings" else ())
        return read_table(
            path,
            option=f"dataset.{table}",
            texts=ids,
            separator=self.separator,
            encoding=self.encoding,
            order=[
                str(own[n]) for n in HEADERLESS.get(table, ()) if own[n] is not None
            ],
        )
