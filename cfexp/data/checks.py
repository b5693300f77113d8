"""Checks of raw tables; each error names the problem, the value and the fix."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from cfexp.data.ids import as_ids
from cfexp.errors import DataError

# Ratings of a larger magnitude are taken for a mistake.
LARGEST_RATING = 1e6
WITHOUT_TIMES = (
    "Correct or remove these rows, or do not read timestamps: dataset=csv with"
    " dataset.columns.timestamp=null."
)


def scale_problems(scale: Sequence[float]) -> list[str]:
    """Returns what is wrong with a configured scale."""
    if (
        len(scale) == 2
        and all(abs(bound) <= LARGEST_RATING for bound in scale)
        and scale[0] < scale[1]
    ):
        return []
    return [
        "scale must be [lowest, highest], from -1,000,000 to 1,000,000. Got:"
        f" {list(scale)}"
    ]


def require_columns(
    name: str, table: str, frame: pd.DataFrame, columns: list[str]
) -> None:
    """Checks that a table has these columns.

    Raises:
        DataError: A column is missing; the message lists those that the table has.
    """
    there = list(map(str, frame.columns))
    missing = [c for c in columns if c not in there]
    if missing:
        raise DataError(
            f"{name}: the {table} table has no column {', '.join(missing)}. Its columns"
            f" are: {', '.join(there)}. Rename it, or map it in dataset.columns."
        )


def require_once(where: str, there: Sequence[str], wanted: Sequence[str]) -> None:
    """Checks that a table has no wanted column more than once.

    Raises:
        DataError: A column appears more than once.
    """
    for column in wanted:
        if there.count(column) > 1:
            raise DataError(
                f"{where} has {there.count(column)} columns {column}: which is meant?"
                " Rename or remove the others."
            )


def require_values(
    name: str, table: str, frame: pd.DataFrame, columns: list[str], hint: str = ""
) -> None:
    """Checks that no value is missing.

    Raises:
        DataError: One is; the message names the column and the first such row.
    """
    for column in columns:
        empty = frame[column].isna()
        if empty.any():
            raise DataError(
                f"{name}: column {column} of the {table} table has {int(empty.sum())}"
                f" missing values. First: row {int(np.flatnonzero(empty)[0])}."
                f" {hint or 'Remove or fill these rows.'}"
            )


def require_pairs(pairs: object, columns: Sequence[str]) -> None:
    """Refuses what are no pairs of ids.

    Raises:
        DataError: It is no DataFrame, or a column or a value is missing.
    """
    if not isinstance(pairs, pd.DataFrame):
        raise DataError(
            f"the pairs must be a DataFrame with columns {' and '.join(columns)}. Got:"
            f" a {type(pairs).__name__}"
        )
    for column in columns:
        if column not in pairs.columns:
            raise DataError(
                f"the pairs have no column {column}; they have:"
                f" {', '.join(map(str, pairs.columns))}. Name the columns"
                f" {' and '.join(columns)}."
            )
        empty = np.flatnonzero(pairs[column].isna())
        if len(empty):
            raise DataError(
                f"column {column} of the pairs has missing values, the first in row"
                f" {empty[0]}. Fill or remove them."
            )


def require_different_ratings(name: str, ratings: pd.Series) -> None:
    """Checks that ratings differ, so that there is something to learn.

    Raises:
        DataError: All ratings are equal.
    """
    if ratings.min() == ratings.max():
        raise DataError(
            f"{name}: all {len(ratings):,} ratings are {ratings.iloc[0]:g}, so that"
            " there is nothing to learn. Give ratings that differ; if they say who saw"
            " or liked what (implicit data), set training.loss=softmax, bpr or bce."
        )


def ids_of(name: str, column: pd.Series) -> pd.Series:
    """Returns ids in canonical form.

    Raises:
        DataError: A value cannot be an id.
    """
    try:
        return as_ids(column)
    except DataError as error:
        raise DataError(f"{name}: {error}") from None


def ratings_of(name: str, frame: pd.DataFrame, column: str) -> pd.Series:
    """Returns ratings as float64.

    Raises:
        DataError: A value is not a number, or beyond `LARGEST_RATING`.
    """
    if pd.api.types.is_bool_dtype(frame[column]):
        raise DataError(
            f"{name}: column {column} holds True and False, not numbers. Write 1 and 0."
        )
    numbers = _numbers(frame[column])
    bad = ~np.isfinite(numbers)
    _refuse(name, frame, column, bad, "are not numbers")
    _refuse(
        name, frame, column, np.abs(numbers) > LARGEST_RATING, "lie beyond 1,000,000"
    )
    return pd.Series(numbers, frame.index)


def seconds_of(name: str, frame: pd.DataFrame, column: str) -> pd.Series:
    """Returns times as seconds since 1970, int64 if all of them are whole.

    Args:
        name: Name of the dataset.
        frame: The raw ratings.
        column: Its column of numbers, dates or ISO 8601 texts; texts without a time
            zone are UTC.

    Raises:
        DataError: A value is none of these.
    """
    times = frame[column]
    if pd.api.types.is_signed_integer_dtype(times):
        return times.astype("int64")
    numbers = _numbers(times)
    if not np.isfinite(numbers).all():
        dates = _seconds_of_dates(times)
        if np.isfinite(dates).sum() > np.isfinite(numbers).sum():
            numbers = dates
    bad = ~(np.abs(numbers) < 2.0**63)
    what = "are not times (seconds since 1970, or ISO 8601)"
    _refuse(name, frame, column, bad, what, WITHOUT_TIMES)
    whole = bool((numbers == np.round(numbers)).all())
    return pd.Series(numbers, frame.index).astype("int64" if whole else "float64")


def first_row(frame: pd.DataFrame) -> str:
    """Returns the first row as text, whole numbers without a decimal point."""
    # By column: a row of numbers of two kinds would become one of floats.
    row = {name: frame[name].iloc[0] for name in frame.columns}
    return ", ".join(f"{name}={_shown(value)}" for name, value in row.items())


def _shown(value: object) -> str:
    if isinstance(value, float) and math.isfinite(value) and value.is_integer():
        return f"{value:.0f}" if abs(value) < 1e15 else f"{value:g}"
    return str(value)


def _numbers(column: pd.Series) -> npt.NDArray[np.float64]:
    """Returns a column's numbers, NaN for anything else, dates included."""
    if pd.api.types.is_datetime64_any_dtype(column):
        return np.full(len(column), np.nan)
    numbers = pd.to_numeric(column, errors="coerce")
    return numbers.to_numpy("float64", na_value=np.nan)


def _seconds_of_dates(column: pd.Series) -> npt.NDArray[np.float64]:
    dates = pd.to_datetime(column, utc=True, errors="coerce", format="ISO8601")
    since = dates - pd.Timestamp(0, tz="UTC")
    return (since / pd.Timedelta(1, "s")).to_numpy("float64", na_value=np.nan)


def _refuse(
    name: str,
    frame: pd.DataFrame,
    column: str,
    bad: npt.NDArray[np.bool_],
    what: str,
    hint: str = "Correct or remove these rows.",
) -> None:
    if bad.any():
        raise DataError(
            f"{name}: column {column} has {int(bad.sum())} values that {what}. First:"
            f" {first_row(frame[bad])}. {hint}"
        )
