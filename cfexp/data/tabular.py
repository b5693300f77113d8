"""The user's own ratings, movies and users, from CSV or Parquet files."""

from pathlib import Path
from typing import Annotated

import pandas as pd

from cfexp.data.cache import cached, file_state
from cfexp.data.ratings import ITEM, USER, Ratings
from cfexp.data.tables import encoding_problems, read_table, separator_problems
from cfexp.data.user_tables import UserTables
from cfexp.spec import NO_EFFECT


class Tabular(UserTables):
    """Ratings, movies and users in the user's own files.

    Attributes:
        name: Name of the dataset.
        ratings: Path of the ratings, CSV (compressed or not) or ``.parquet``.
        movies: Path of the movies; if None, movies have no titles and genres.
        users: Path of the users, with ``userId`` and any columns; None: nothing is
            known of users.
        separator: Column separator of CSV files, see `cfexp.data.tables.read_table`.
        encoding: Encoding of CSV files.
    """

    name: str = "csv"
    ratings: Annotated[str, NO_EFFECT]
    movies: Annotated[str | None, NO_EFFECT] = None
    users: Annotated[str | None, NO_EFFECT] = None
    separator: str | None = None
    encoding: str = "utf-8"

    def problems(self) -> list[str]:
        found = encoding_problems(self.encoding)
        if self.separator is not None:
            found += separator_problems(self.separator)
        return found + super().problems()

    def load(self) -> Ratings:
        """Reads and checks the files.

        Raises:
            DataError: A file cannot be read, or its content cannot be used.
        """
        there = [Path(path).expanduser() for path in self._paths().values()]
        state = [file_state(path) for path in there if path.is_file()]
        return cached(self, state, self._parse)

    def _paths(self) -> dict[str, str]:
        others = {"movies": self.movies, "users": self.users}
        given = {table: path for table, path in others.items() if path is not None}
        return {"ratings": self.ratings, **given}

    def _parse(self) -> Ratings:
        paths = self._paths()
        return self.checked(
            {table: self._read(table, path) for table, path in paths.items()},
            {table: f"dataset.{table}={path}" for table, path in paths.items()},
        )

    def _read(self, table: str, path: str) -> pd.DataFrame:
        own = self.own_names(table)
        return read_table(
            path,
            option=f"dataset.{table}",
            texts={str(own[name]) for name in (USER, ITEM) if name in own},
            separator=self.separator,
            encoding=self.encoding,
        )
