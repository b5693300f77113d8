"""The base class of datasets from the user's own files or DataFrames."""

from collections.abc import Mapping
from typing import Literal

import pandas as pd

from cfexp.data.checks import scale_problems
from cfexp.data.columns import COLUMNS, column_problems, require_mapped
from cfexp.data.dataset import Dataset
from cfexp.data.ratings import GENRES, RATING, Ratings, canonical, with_users
from cfexp.data.text import as_genres, warn_of_separator


class UserTables(Dataset):
    """Base class of datasets from the user's tables of ratings, movies and users.

    Attributes:
        columns: The tables' column names, by the names in `Ratings`; None for an
            optional column that is not to be read. Without ``rating``, as in implicit
            data, all ratings are 1.
        genre_separator: Separator between the genres of a movie.
        scale: Lowest and highest rating; the observed ones if None.
        duplicates: Of several ratings of a movie by a user: an ``error``; or the
            ``last`` one, or their ``mean``, is kept.
        unknown_movies: Ratings of movies that the table of movies lacks: ``keep``
            them, or an ``error``.
    """

    name: str
    columns: dict[str, str | None] = {  # noqa: RUF012  pydantic copies it
        name: name for names in COLUMNS.values() for name in names
    }
    genre_separator: str = "|"
    scale: tuple[float, ...] | None = None
    duplicates: Literal["error", "last", "mean"] = "error"
    unknown_movies: Literal["keep", "error"] = "keep"

    def problems(self) -> list[str]:
        found = column_problems(self.columns)
        if not self.genre_separator:
            found.append("genre_separator must not be empty")
        return found + (scale_problems(self.scale) if self.scale is not None else [])

    def own_names(self, table: str) -> dict[str, str | None]:
        """Returns the user's names of a table's columns, by canonical name."""
        return {name: self.columns.get(name, name) for name in COLUMNS[table]}

    def names_of_ids(self, table: str) -> list[str]:
        """Returns the names that the ids of a table's rows may have, best first.

        The movies' ids may be called otherwise in the table of movies than in the
        ratings: ``movieId`` or, which can mean nothing else there, ``id``.
        """
        mapped = [self.own_names(table)[name] for name in COLUMNS[table][:1]]
        return [*filter(None, mapped), COLUMNS[table][0], "id"]

    def checked(
        self, tables: Mapping[str, pd.DataFrame], where: Mapping[str, str]
    ) -> Ratings:
        """Returns raw tables in canonical form.

        Args:
            tables: The ``ratings`` and optionally the ``movies`` and ``users``.
            where: The name of each table in messages.

        Raises:
            DataError: A column is missing, or a value cannot be used.
        """
        named = {t: self._named(t, frame, where[t]) for t, frame in tables.items()}
        movies = named.get("movies")
        if movies is not None and GENRES in movies.columns:
            genres = as_genres(movies[GENRES], self.genre_separator)
            movies = movies.assign(**{GENRES: genres})
            warn_of_separator(self.name, genres, self.genre_separator)
        data = canonical(
            self.name,
            named["ratings"],
            movies,
            scale=None if self.scale is None else (self.scale[0], self.scale[1]),
            duplicates=self.duplicates,
            unknown_movies=self.unknown_movies,
        )
        return with_users(data, named["users"]) if "users" in named else data

    def _named(self, table: str, frame: pd.DataFrame, where: str) -> pd.DataFrame:
        """Returns a table's mapped columns, under their canonical names.

        Those of movies and users keep further columns, too.
        """
        own, there = self.own_names(table), list(map(str, frame.columns))
        if table != "ratings":
            ids = [name for name in self.names_of_ids(table) if name in there]
            own |= {COLUMNS[table][0]: ids[0]} if ids else {}
        require_mapped(where, table, own, there)
        found = {column: name for name, column in own.items() if column in there}
        more = [] if table == "ratings" else there
        kept = [*found, *(c for c in more if c not in found and c not in own)]
        named = frame.set_axis(there, axis=1)[kept].rename(columns=found)
        if table == "ratings" and own[RATING] is None:  # implicit data
            return named.assign(**{RATING: 1.0})
        return named
