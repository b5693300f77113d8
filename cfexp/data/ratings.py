"""Ratings in canonical form, and their construction from raw tables."""

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd

from cfexp.data.checks import (
    WITHOUT_TIMES,
    first_row,
    ids_of,
    ratings_of,
    require_columns,
    require_once,
    require_values,
    seconds_of,
)
from cfexp.data.columns import FOLD, GENRES, ITEM, RATING, TIMESTAMP, TITLE, USER
from cfexp.data.ids import IntArray
from cfexp.data.sharing import Shared, Table
from cfexp.data.side_tables import (
    NO_USERS,
    canonical_movies,
    canonical_users,
    further,
)
from cfexp.data.text import as_text, update_digest
from cfexp.errors import DataError

__all__ = [
    "GENRES",
    "ITEM",
    "RATING",
    "TIMESTAMP",
    "TITLE",
    "USER",
    "IntArray",
    "Ratings",
    "canonical",
    "with_users",
]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Ratings:
    """Ratings of movies by users, in canonical form.

    It cannot be changed, so that the jobs of a process share it: changing a table that
    was read from it changes a copy, or fails.

    Attributes:
        name: Name of the dataset.
        frame: Columns ``userId``, ``movieId``, ``rating`` and, if known, ``timestamp``
            (seconds since 1970, int64 if all of them are whole); one row for each pair,
            sorted by user and movie. For the form of ids see `cfexp.data.ids`.
        movies: Columns ``movieId``, ``title``, ``genres`` (joined by ``|``, empty if
            unknown) and further ones, such as ``year``; one row for each movie.
        scale: Lowest and highest rating that can be given.
        official_tests: Row positions of published test folds, by fold name, or of the
            folds that a column of the ratings names.
        users: Columns ``userId`` and further ones, such as ``age``; at most one row for
            each user. For the form of further columns see `cfexp.data.side_tables`.
    """

    name: str
    frame: Table = Table()
    movies: Table = Table()
    scale: tuple[float, float]  # type: ignore[misc]  # a Table is no default
    official_tests: Mapping[str, IntArray] = field(default_factory=dict)
    users: Table = Table(empty=NO_USERS)

    @cached_property
    def shared(self) -> Shared:
        """Splits, encoded rows and so on, shared by the jobs of this process."""
        return Shared()

    @cached_property
    def n_users(self) -> int:
        """Number of users with a rating."""
        return int(self.frame[USER].nunique())

    @cached_property
    def n_items(self) -> int:
        """Number of movies with a rating."""
        return int(self.frame[ITEM].nunique())

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over every row of ratings, movies and users, as 64 hex digits."""
        digest = hashlib.sha256(self.rated_fingerprint.encode())
        tables = {"movies": self.movies, "users": self.users}
        there = {name: table for name, table in tables.items() if further(table)}
        for name, table in there.items():
            digest.update(name.encode())
            _update(digest, table, [table.columns[0], *further(table)])
        return digest.hexdigest() if there else self.rated_fingerprint

    @cached_property
    def rated_fingerprint(self) -> str:
        """SHA-256 over every row of ratings, titles and genres.

        It names the rows of a split, so that runs with and without a table of users,
        say, are known to be tested on the same ones.
        """
        digest = hashlib.sha256()
        _update(digest, self.frame, list(self.frame.columns))
        plain = [c for c in self.movies.columns if c not in further(self.movies)]
        _update(digest, self.movies, plain)
        digest.update(np.array(self.scale, "<f8").tobytes())
        return digest.hexdigest()


def _update(digest: "hashlib._Hash", table: pd.DataFrame, columns: list[str]) -> None:
    for name in sorted(columns):
        digest.update(name.encode())
        update_digest(digest, table[name])


def canonical(
    name: str,
    ratings: pd.DataFrame,
    movies: pd.DataFrame | None,
    *,
    scale: tuple[float, float] | None,
    duplicates: str = "error",
    unknown_movies: str = "keep",
) -> Ratings:
    """Checks raw tables and returns them in canonical form.

    Args:
        name: Name of the dataset.
        ratings: Raw ratings, columns named as in `Ratings.frame`, perhaps ``fold``.
        movies: Raw movies, columns named as in `Ratings.movies`; titles and genres
            may be missing. None: the rated movies, without titles and genres.
        scale: Lowest and highest rating; the observed ones if None.
        duplicates: What to do with pairs rated more than once: ``error``, keep the
            ``last`` by timestamp (by row if there is none, or at the same second), or
            their ``mean``.
        unknown_movies: ``keep`` ratings of movies that are not in `movies`, or
            ``error``.

    Raises:
        DataError: A column is missing or appears twice, a value is missing, not a
            number or out of scale, or a pair or movie appears twice.
    """
    require_columns(name, "ratings", ratings, [USER, ITEM, RATING])
    frame = _canonical_ratings(name, ratings)
    scale = scale or (float(frame[RATING].min()), float(frame[RATING].max()))
    _check_scale(name, frame, scale)
    frame = _resolve_duplicates(name, frame, duplicates)
    movies = frame[[ITEM]].drop_duplicates() if movies is None else movies
    items = canonical_movies(name, movies, frame, unknown_movies)
    folds = _folds(frame.pop(FOLD)) if FOLD in frame.columns else {}
    return Ratings(name, frame, items, scale, folds)


def _folds(column: pd.Series) -> dict[str, IntArray]:
    """Returns the rows of each fold that a column names, nowhere where it is empty."""
    codes, names = pd.factorize(as_text(column).str.strip(), sort=True)
    return {str(n): np.flatnonzero(codes == i) for i, n in enumerate(names) if n}


def with_users(ratings: Ratings, users: pd.DataFrame) -> Ratings:
    """Returns the dataset with what is known of its users.

    Args:
        ratings: The dataset.
        users: Raw users: ``userId`` and any columns, see `cfexp.data.side_tables`.

    Raises:
        DataError: A user has no id, or appears twice.
    """
    frame = ratings.frame
    known = canonical_users(ratings.name, users, frame)
    return replace(ratings, frame=frame, users=known)


def _check_scale(name: str, frame: pd.DataFrame, scale: tuple[float, float]) -> None:
    low, high = scale
    outside = frame[(frame[RATING] < low) | (frame[RATING] > high)]
    if len(outside):
        raise DataError(
            f"{name}: {len(outside)} ratings lie outside the scale {low:g} to {high:g}."
            f" First: {first_row(outside)}. Correct them or set dataset.scale."
        )


def _canonical_ratings(name: str, ratings: pd.DataFrame) -> pd.DataFrame:
    """Returns checked ids, ratings and times; pairs may be there twice."""
    known = (USER, ITEM, RATING, TIMESTAMP, FOLD)
    columns = [c for c in known if c in ratings.columns]
    require_once(f"{name}: the ratings table", list(ratings.columns), columns)
    frame = ratings[columns].copy()
    if frame.empty:
        raise DataError(f"{name}: the ratings table has no rows. Give at least one.")
    require_values(name, "ratings", frame, [USER, ITEM, RATING])
    for column in (USER, ITEM):
        frame[column] = ids_of(name, frame[column])
    frame[RATING] = ratings_of(name, frame, RATING)
    if TIMESTAMP in columns:
        require_values(name, "ratings", frame, [TIMESTAMP], WITHOUT_TIMES)
        frame[TIMESTAMP] = seconds_of(name, frame, TIMESTAMP)
    return frame


def _resolve_duplicates(name: str, frame: pd.DataFrame, policy: str) -> pd.DataFrame:
    if policy == "last" and TIMESTAMP in frame.columns:
        frame = frame.sort_values(TIMESTAMP, kind="stable")
    frame = frame.sort_values([USER, ITEM], kind="stable", ignore_index=True)
    same = (frame[[USER, ITEM]].eq(frame[[USER, ITEM]].shift())).all(axis=1)
    if not same.any():
        return frame
    if policy == "last":
        frame = frame.drop_duplicates([USER, ITEM], keep="last", ignore_index=True)
    elif policy == "mean":
        how = {RATING: "mean", TIMESTAMP: "max", FOLD: "last"}
        frame = frame.groupby([USER, ITEM], as_index=False).agg(
            {c: how[c] for c in frame.columns if c in how}
        )
    else:
        raise DataError(
            f"{name}: {int(same.sum())} user-movie pairs are rated more than once."
            f" First: {first_row(frame[same])}. Remove them, or set"
            " dataset.duplicates=last or dataset.duplicates=mean."
        )
    log.warning("%s: kept the %s of %d duplicate ratings", name, policy, same.sum())
    return frame
