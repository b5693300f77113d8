"""The user's own ratings and movies, from CSV or Parquet files."""

from pathlib import Path
from typing import Annotated, Literal

import pandas as pd

from cfexp.data.cache import cached, file_state
from cfexp.data.checks import scale_problems
from cfexp.data.columns import COLUMNS, column_problems, require_mapped
from cfexp.data.dataset import Dataset
from cfexp.data.ratings import GENRES, ITEM, USER, Ratings, canonical
from cfexp.data.tables import encoding_problems, read_table, separator_problems
from cfexp.data.text import as_genres, warn_of_separator
from cfexp.spec import NO_EFFECT


class Tabular(Dataset):
    """Ratings and movies in files of the user's.

    Attributes:
        name: Name of the dataset.
        ratings: Path of the ratings, CSV (compressed if you like) or ``.parquet``.
        movies: Path of the movies; movies have no titles and genres where None.
        separator: Column separator of CSV files, see `cfexp.data.tables.read_table`.
        encoding: Encoding of CSV files.
        columns: Own names of columns, by the names of `Ratings`; None for an optional
            column that shall not be read.
        genre_separator: What lies between two genres of a movie.
        scale: Lowest and highest rating; as observed where None.
        duplicates: ``error``, ``last`` or ``mean``, see `canonical`.
        unknown_movies: ``keep`` or ``error``, see `canonical`.
    """

    name: str = "csv"
    ratings: Annotated[str, NO_EFFECT]
    movies: Annotated[str | None, NO_EFFECT] = None
    separator: str | None = None
    encoding: str = "utf-8"
    columns: dict[str, str | None] = {  # noqa: RUF012  pydantic copies it
        name: name for names in COLUMNS.values() for name in names
    }
    genre_separator: str = "|"
    scale: tuple[float, ...] | None = None
    duplicates: Literal["error", "last", "mean"] = "error"
    unknown_movies: Literal["keep", "error"] = "keep"

    def problems(self) -> list[str]:
        found = encoding_problems(self.encoding)
        found += column_problems(self.columns)
        if self.separator is not None:
            found += separator_problems(self.separator)
        if not self.genre_separator:
            found.append("genre_separator must not be empty")
        return found + (scale_problems(self.scale) if self.scale is not None else [])

    def load(self) -> Ratings:
        """Reads and checks the files.

        Raises:
            DataError: A file cannot be read, or its content cannot be used.
        """
        files = [path for path in (self.ratings, self.movies) if path is not None]
        there = [Path(path).expanduser() for path in files]
        state = [file_state(path) for path in there if path.is_file()]
        return cached(self.settings() | {"files": state}, self._parse)

    def _parse(self) -> Ratings:
        return canonical(
            self.name,
            self._read("ratings", self.ratings),
            None if self.movies is None else self._movies(self.movies),
            scale=None if self.scale is None else (self.scale[0], self.scale[1]),
            duplicates=self.duplicates,
            unknown_movies=self.unknown_movies,
        )

    def _movies(self, path: str) -> pd.DataFrame:
        movies = self._read("movies", path)
        if GENRES in movies.columns:
            movies[GENRES] = as_genres(movies[GENRES], self.genre_separator)
            warn_of_separator(self.name, movies[GENRES], self.genre_separator)
        return movies

    def _read(self, table: str, path: str) -> pd.DataFrame:
        """Returns a file's columns of ours, under their canonical names."""
        own = {name: self.columns.get(name, name) for name in COLUMNS[table]}
        frame = read_table(
            path,
            option=f"dataset.{table}",
            texts={str(own[name]) for name in (USER, ITEM) if name in own},
            separator=self.separator,
            encoding=self.encoding,
        )
        there = list(map(str, frame.columns))
        require_mapped(f"dataset.{table}={path}", table, own, there)
        found = {column: name for name, column in own.items() if column in there}
        return frame[list(found)].rename(columns=found)
