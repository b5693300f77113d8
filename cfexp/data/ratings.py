"""The canonical ratings of a dataset, and the checks they pass to become it."""

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from cfexp.errors import DataError

log = logging.getLogger(__name__)

USER, ITEM, RATING, TIMESTAMP = "userId", "movieId", "rating", "timestamp"
TITLE, GENRES = "title", "genres"

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Ratings:
    """Ratings of movies by users, in canonical form.

    Attributes:
        name: Name of the dataset.
        frame: Columns ``userId``, ``movieId``, ``rating`` and, where known,
            ``timestamp`` (seconds since 1970); one row for each pair, sorted by user
            and movie.
        movies: Columns ``movieId``, ``title``, ``genres`` (joined by ``|``, empty
            where unknown); one row for each movie.
        scale: Lowest and highest rating that can be given.
        official_tests: Row positions of published test folds, by fold name.
    """

    name: str
    frame: pd.DataFrame
    movies: pd.DataFrame
    scale: tuple[float, float]
    official_tests: Mapping[str, IntArray] = field(default_factory=dict)

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
        """SHA-256 over every row of ratings and movies, as 64 hex digits."""
        digest = hashlib.sha256()
        for table in (self.frame, self.movies):
            for name in sorted(table.columns):
                digest.update(name.encode())
                update_digest(digest, table[name])
        digest.update(np.array(self.scale, "<f8").tobytes())
        return digest.hexdigest()


def update_digest(digest: "hashlib._Hash", column: pd.Series) -> None:
    """Feeds a column to `digest` in a form that no platform or version changes."""
    if pd.api.types.is_numeric_dtype(column):
        kind = "<f8" if pd.api.types.is_float_dtype(column) else "<i8"
        digest.update(column.to_numpy().astype(kind, copy=False).tobytes())
    else:
        digest.update("\x1f".join(column.astype(str)).encode())
    digest.update(b"\x1e")


def canonical(
    name: str,
    ratings: pd.DataFrame,
    movies: pd.DataFrame,
    *,
    scale: tuple[float, float] | None,
    duplicates: str = "error",
    unknown_movies: str = "keep",
) -> Ratings:
    """Checks raw tables and returns them in canonical form.

    Args:
        name: Name of the dataset.
        ratings: Raw ratings, columns named as in `Ratings.frame`.
        movies: Raw movies, columns named as in `Ratings.movies`; titles and genres
            may be missing.
        scale: Lowest and highest rating; the observed ones where None.
        duplicates: What to do with pairs rated more than once: ``error``, keep the
            ``last`` by timestamp (else by row), or their ``mean``.
        unknown_movies: ``keep`` ratings of movies that are not in `movies`, or
            ``error``.

    Raises:
        DataError: A column is missing, a value is missing, not a number or out of
            scale, or a pair or movie appears twice.
    """
    _require_columns(name, "ratings", ratings, [USER, ITEM, RATING])
    _require_columns(name, "movies", movies, [ITEM])
    columns = [c for c in (USER, ITEM, RATING, TIMESTAMP) if c in ratings.columns]
    frame = ratings[columns].copy()
    _require_values(name, "ratings", frame, columns)
    for column in (USER, ITEM):
        frame[column] = _as_ids(frame[column])
    frame[RATING] = _as_numbers(name, frame, RATING).astype("float64")
    if TIMESTAMP in columns:
        frame[TIMESTAMP] = _as_numbers(name, frame, TIMESTAMP).astype("int64")
    if frame.empty:
        raise DataError(f"{name}: the ratings table has no rows. Give at least one.")
    low, high = scale or (float(frame[RATING].min()), float(frame[RATING].max()))
    outside = frame[(frame[RATING] < low) | (frame[RATING] > high)]
    if len(outside):
        raise DataError(
            f"{name}: {len(outside)} ratings lie outside the scale {low:g} to {high:g}."
            f" First: {_row(outside)}. Correct them or set dataset.scale."
        )
    frame = _resolve_duplicates(name, frame, duplicates)
    items = _canonical_movies(name, movies, frame, unknown_movies)
    return Ratings(name, frame, items, (low, high))


def rows_of_pairs(ratings: Ratings, pairs: pd.DataFrame) -> IntArray:
    """Returns the row positions in `ratings` of the pairs (``userId``, ``movieId``).

    Raises:
        DataError: A pair is not among the ratings.
    """
    index = pd.MultiIndex.from_frame(ratings.frame[[USER, ITEM]])
    rows = index.get_indexer(pd.MultiIndex.from_frame(pairs[[USER, ITEM]]))
    if (rows < 0).any():
        raise DataError(
            f"{ratings.name}: {int((rows < 0).sum())} pairs of a published fold are not"
            f" among the ratings. First: {_row(pairs[rows < 0])}. The files do not"
            " belong together: download the dataset again."
        )
    return np.sort(rows).astype(np.int64)


def _canonical_movies(
    name: str, movies: pd.DataFrame, frame: pd.DataFrame, unknown_movies: str
) -> pd.DataFrame:
    _require_values(name, "movies", movies, [ITEM])
    items = pd.DataFrame({ITEM: _as_ids(movies[ITEM])})
    for column in (TITLE, GENRES):
        values = movies[column] if column in movies.columns else ""
        items[column] = pd.Series(values, index=movies.index, dtype="str").fillna("")
    items[GENRES] = items[GENRES].replace({"(no genres listed)": "", "unknown": ""})
    twice = items[items[ITEM].duplicated()]
    if len(twice):
        raise DataError(
            f"{name}: {len(twice)} movies appear more than once in the movies table."
            f" First: {_row(twice)}. Keep one row for each movieId."
        )
    rated = pd.Series(frame[ITEM].unique())
    if items[ITEM].dtype != rated.dtype:
        items[ITEM], frame[ITEM] = items[ITEM].astype(str), frame[ITEM].astype(str)
        rated = rated.astype(str)
    unknown = rated[~rated.isin(items[ITEM])]
    if len(unknown):
        text = f"{name}: {len(unknown)} rated movies are not in the movies table"
        if unknown_movies == "error":
            raise DataError(
                f"{text}. First: {unknown.iloc[0]!r}. Add them, or set"
                " dataset.unknown_movies=keep to use them without title and genres."
            )
        log.warning("%s; they are used without title and genres.", text)
        items = pd.concat([items, pd.DataFrame({ITEM: unknown})]).fillna("")
    return items.sort_values(ITEM, ignore_index=True)


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
        how = {RATING: "mean", TIMESTAMP: "max"}
        frame = frame.groupby([USER, ITEM], as_index=False).agg(
            {c: how[c] for c in frame.columns if c in how}
        )
    else:
        raise DataError(
            f"{name}: {int(same.sum())} user-movie pairs are rated more than once."
            f" First: {_row(frame[same])}. Remove them, or set dataset.duplicates=last"
            " or dataset.duplicates=mean."
        )
    log.warning("%s: kept the %s of %d duplicate ratings", name, policy, same.sum())
    return frame


def _require_columns(
    name: str, table: str, frame: pd.DataFrame, columns: list[str]
) -> None:
    missing = [c for c in columns if c not in frame.columns]
    if missing:
        raise DataError(
            f"{name}: the {table} table has no column {', '.join(missing)}. Its columns"
            f" are: {', '.join(map(str, frame.columns))}. Rename it, or map it in"
            " dataset.columns."
        )


def _require_values(
    name: str, table: str, frame: pd.DataFrame, columns: list[str]
) -> None:
    for column in columns:
        empty = frame[column].isna()
        if empty.any():
            raise DataError(
                f"{name}: column {column} of the {table} table has {int(empty.sum())}"
                f" missing values. First: row {int(np.flatnonzero(empty)[0])}. Remove"
                " or fill these rows."
            )


def _as_ids(column: pd.Series) -> pd.Series:
    return column.astype("int64" if _is_integer(column) else "str")


def _is_integer(column: pd.Series) -> bool:
    if pd.api.types.is_float_dtype(column):
        return bool((column == column.round()).all())
    return pd.api.types.is_integer_dtype(column)


def _as_numbers(name: str, frame: pd.DataFrame, column: str) -> pd.Series:
    numbers = pd.to_numeric(frame[column], errors="coerce")
    bad = ~np.isfinite(numbers.to_numpy("float64", na_value=np.nan))
    if bad.any():
        raise DataError(
            f"{name}: column {column} has {int(bad.sum())} values that are not numbers."
            f" First: {_row(frame[bad])}. Correct or remove these rows."
        )
    return numbers


def _row(frame: pd.DataFrame) -> str:
    return ", ".join(f"{k}={v}" for k, v in frame.iloc[0].items())
