"""Tables of movies and users in canonical form: what is known besides the ratings.

A further column holds numbers, NaN where unknown, or text, empty where unknown; several
values of a text are joined by ``|``.
"""

import logging

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from cfexp.data.checks import (
    first_row,
    ids_of,
    require_columns,
    require_once,
    require_values,
)
from cfexp.data.columns import GENRES, ITEM, TITLE, USER
from cfexp.data.text import as_genres, as_text, as_values
from cfexp.errors import DataError

log = logging.getLogger(__name__)

OWN = (USER, ITEM, TITLE, GENRES)
NO_USERS = pd.DataFrame({USER: np.empty(0, np.int64)})


def further(table: pd.DataFrame) -> list[str]:
    """Returns the columns of a table besides ids, titles and genres."""
    return [name for name in table.columns if name not in OWN]


def canonical_movies(
    name: str, movies: pd.DataFrame, frame: pd.DataFrame, unknown_movies: str
) -> pd.DataFrame:
    """Returns movies in canonical form, one row for each, rated ones included.

    Args:
        name: Name of the dataset.
        movies: Raw movies, columns named as in `Ratings.movies`.
        frame: The canonical ratings, whose ids become text if those of movies are.
        unknown_movies: As in `cfexp.data.ratings.canonical`.

    Raises:
        DataError: A movie appears twice, has no id, or is missing.
    """
    items = _described(name, "movies", movies, ITEM)
    has = movies.columns
    own = {
        TITLE: as_text(movies[TITLE]) if TITLE in has else "",
        GENRES: as_genres(movies[GENRES]) if GENRES in has else "",
    }
    items = items.assign(**own)[[ITEM, *own, *further(items)]]
    rated = _same_kind(frame, items, ITEM)
    unknown = rated[~rated.isin(items[ITEM])]
    if len(unknown):
        text = f"{name}: {len(unknown)} rated movies are not in the movies table"
        if unknown_movies == "error":
            raise DataError(
                f"{text}. First: {unknown.iloc[0]}. Add them, or set"
                " dataset.unknown_movies=keep to use them without title and genres."
            )
        log.warning("%s; they are used without title and genres.", text)
        items = pd.concat([items, pd.DataFrame({ITEM: unknown})])
        texts = [c for c in items if c != ITEM and not is_numeric_dtype(items[c])]
        items = items.fillna(dict.fromkeys(texts, ""))
    return items.sort_values(ITEM, ignore_index=True)


def canonical_users(
    name: str, users: pd.DataFrame, frame: pd.DataFrame
) -> pd.DataFrame:
    """Returns users in canonical form; arguments and errors as `canonical_movies`."""
    known = _described(name, "users", users, USER)
    rating = _same_kind(frame, known, USER)
    unknown = rating[~rating.isin(known[USER])]
    if len(unknown):
        log.warning(
            "%s: %d users with ratings are not in the users table; nothing more is"
            " known of them",
            name,
            len(unknown),
        )
    return known.sort_values(USER, ignore_index=True)


def _described(
    name: str, table: str, raw: pd.DataFrame, id_column: str
) -> pd.DataFrame:
    """Returns ids and further columns in canonical form."""
    require_columns(name, table, raw, [id_column])
    wanted = [column for column in raw.columns if column != id_column]
    there = list(map(str, raw.columns))
    require_once(f"{name}: the {table} table", there, [id_column, *map(str, wanted)])
    require_values(name, table, raw, [id_column])
    found = pd.DataFrame({id_column: ids_of(name, raw[id_column])})
    columns = {str(c): _values(raw[c]) for c in wanted if c not in OWN}
    found = found.assign(**columns)
    twice = found[found[id_column].duplicated()]
    if len(twice):
        raise DataError(
            f"{name}: {len(twice)} {table} appear more than once in the {table} table."
            f" First: {first_row(twice[[id_column]])}. Keep one row for each"
            f" {id_column}."
        )
    return found


def _values(column: pd.Series) -> pd.Series:
    if is_bool_dtype(column) or not is_numeric_dtype(column):
        return as_values(column)
    numbers = column.to_numpy("float64", na_value=np.nan)
    return pd.Series(np.where(np.isfinite(numbers), numbers, np.nan), column.index)


def _same_kind(frame: pd.DataFrame, table: pd.DataFrame, column: str) -> pd.Series:
    """Makes the ids of two tables text if one's are; returns the first's, each once."""
    ids = pd.Series(frame[column].unique())
    if is_numeric_dtype(ids) != is_numeric_dtype(table[column]):
        for each in (table, frame):
            each[column] = each[column].astype("str")
        ids = ids.astype("str")
    return ids
