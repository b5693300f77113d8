"""The user's own ratings and movies, from CSV or Parquet files."""

from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from cfexp.data.cache import cached, file_state
from cfexp.data.ratings import (
    GENRES,
    ITEM,
    RATING,
    TIMESTAMP,
    TITLE,
    USER,
    Ratings,
    canonical,
)
from cfexp.errors import DataError, did_you_mean, first_line
from cfexp.spec import Spec, choice


@dataclass(frozen=True, kw_only=True)
class Tabular(Spec):
    """Ratings and movies in files of the user's.

    Attributes:
        name: Name of the dataset.
        ratings: Path of the ratings, CSV (compressed if you like) or ``.parquet``.
        movies: Path of the movies; movies have no titles and genres where None.
        separator: Column separator of CSV files.
        encoding: Encoding of CSV files.
        columns: Own names of columns, by the names of `Ratings`.
        genre_separator: What lies between two genres of a movie.
        scale: Lowest and highest rating; as observed where None.
        duplicates: ``error``, ``last`` or ``mean``, see `canonical`.
        unknown_movies: ``keep`` or ``error``, see `canonical`.
    """

    name: str
    ratings: str
    movies: str | None
    separator: str
    encoding: str
    columns: dict[str, str]
    genre_separator: str
    scale: list[float] | None
    duplicates: str = choice("error", "last", "mean")
    unknown_movies: str = choice("keep", "error")

    def problems(self) -> list[str]:
        found = super().problems()
        if self.scale is not None and (
            len(self.scale) != 2 or not self.scale[0] < self.scale[1]
        ):
            found.append(f"scale must be [lowest, highest]. Got: {self.scale}")
        return found

    def load(self) -> Ratings:
        """Reads and checks the files.

        Raises:
            DataError: A file cannot be read, or its content cannot be used.
        """
        files = [path for path in (self.ratings, self.movies) if path is not None]
        there = [Path(path).expanduser() for path in files]
        state = [file_state(path) for path in there if path.is_file()]
        return cached(asdict(self) | {"files": state}, self._parse)

    def _parse(self) -> Ratings:
        ratings = self._read(self.ratings, USER, ITEM, RATING, TIMESTAMP)
        if self.movies is None:
            movies = pd.DataFrame({ITEM: ratings.get(ITEM, pd.Series()).unique()})
        else:
            movies = self._read(self.movies, ITEM, TITLE, GENRES)
        if GENRES in movies.columns and self.genre_separator != "|":
            movies[GENRES] = movies[GENRES].str.replace(
                self.genre_separator, "|", regex=False
            )
        return canonical(
            self.name,
            ratings,
            movies,
            scale=None if self.scale is None else (self.scale[0], self.scale[1]),
            duplicates=self.duplicates,
            unknown_movies=self.unknown_movies,
        )

    def _read(self, path: str, *wanted: str) -> pd.DataFrame:
        """Returns the wanted columns that a file has, under their canonical names."""
        frame = read_table(path, separator=self.separator, encoding=self.encoding)
        own = {name: self.columns.get(name, name) for name in wanted}
        for name, column in own.items():
            # A name that the user chose must be there; optional columns need not be.
            if column != name and column not in frame.columns:
                raise DataError(
                    f"dataset.columns.{name}={column}: {path} has no column {column}"
                    f"{did_you_mean(column, map(str, frame.columns))}; it has:"
                    f" {', '.join(map(str, frame.columns))}."
                )
        there = {column: name for name, column in own.items() if column in frame}
        return frame[list(there)].rename(columns=there)


def read_table(
    path: str, *, separator: str = ",", encoding: str = "utf-8"
) -> pd.DataFrame:
    """Reads a CSV or Parquet file.

    Raises:
        DataError: It does not exist, or is not what its name says.
    """
    file = Path(path).expanduser()
    if not file.is_file():
        near = [p.name for p in file.parent.glob("*")] if file.parent.is_dir() else []
        raise DataError(f"there is no file {path}{did_you_mean(file.name, near)}.")
    try:
        if file.suffix == ".parquet":
            return pd.read_parquet(file)
        return pd.read_csv(file, sep=separator, encoding=encoding)
    except (ValueError, OSError) as error:
        reason = first_line(error)
        raise DataError(
            f"cannot read {path}: {reason}. Give a CSV file with a header, or a Parquet"
            " file; set dataset.separator and dataset.encoding to what it uses."
        ) from error
