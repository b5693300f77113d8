"""Ids of users and movies: whole numbers or text, however a file writes them.

``3``, ``3.0`` and ``"3"`` are the same id, in any table and in every version of pandas.
``"003"`` is a text. Blanks around an id are ignored. A column holds numbers if all its
ids are numbers, else text.
"""

import re
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cfexp.errors import DataError

IntArray = npt.NDArray[np.int64]

_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,300})(\.0*)?")
# Up to here every whole number is exact as a float.
_EXACT = 2.0**53
NO_ID = "is not an id: ids are whole numbers or text"
_INT64 = np.iinfo(np.int64)


def parse_id(value: Any) -> int | str:
    """Returns a value as an id: a whole number, or else a text."""
    if isinstance(value, str):
        text = value.strip()
        return int(text.partition(".")[0]) if _WHOLE.fullmatch(text) else text
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return int(value)
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return int(value)
    return str(value)


def as_ids(column: pd.Series) -> pd.Series:
    """Returns ids in canonical form: int64 if all are whole numbers, else text.

    Args:
        column: The ids, none of them missing.

    Raises:
        DataError: A value is neither a number nor text, or a float too large to be
            exact.
    """
    if _is_signed(column):
        return column.astype("int64")
    codes, raw = _factorized(column)
    for value in raw:
        blank = isinstance(value, str) and not value.strip()
        if blank or not isinstance(value, str | int | float | np.number):
            raise _no_id(column, value, NO_ID)
    _refuse_inexact(column, raw)
    values = [parse_id(value) for value in raw]
    if all(_fits(value) for value in values):
        return pd.Series(np.array(values, np.int64)[codes], column.index)
    texts = np.array([str(value) for value in values], object)
    return pd.Series(texts[codes], column.index, dtype="str")


def equal_to(column: pd.Series, value: Any) -> npt.NDArray[np.bool_]:
    """Returns which of a column's canonical ids equal `value`, in any form."""
    wanted = parse_id(value)
    if pd.api.types.is_integer_dtype(column):
        return (column == wanted if _fits(wanted) else column.isna()).to_numpy(bool)
    return (column == str(wanted)).to_numpy(bool)


def did_you_mean_id(value: Any, known: Any) -> str:
    """Returns a suggestion for an unknown id, to append to a sentence.

    Empty unless there is an id that differs by zeros in front, which a spreadsheet or
    a reader of CSV files takes away.

    Args:
        value: The id, in any form.
        known: The ids in canonical form.
    """
    texts = pd.Series(known).astype(str)
    bare = str(parse_id(value)).lstrip("0")
    found = texts[texts.str.lstrip("0") == bare]
    return f" (did you mean {found.iloc[0]}?)" if len(found) else ""


def id_array(ids: npt.ArrayLike) -> npt.NDArray[Any]:
    """Returns canonical ids as an array of int64 or of Python strings."""
    found = np.asarray(ids)
    return found.astype(np.int64 if found.dtype.kind in "iu" else object)


def positions(ids: pd.Series, known: Any) -> IntArray:
    """Returns each id's position among `known`, -1 if it is not there.

    Args:
        ids: Ids in any form, missing ones included.
        known: Distinct ids in canonical form.
    """
    of_numbers = pd.api.types.is_integer_dtype(known)
    if of_numbers and _is_signed(ids):
        return pd.Index(known).get_indexer(pd.Index(ids)).astype(np.int64)
    codes, raw = _factorized(ids)
    values = [parse_id(value) for value in raw]
    if of_numbers:
        fits = np.array([_fits(value) for value in values], bool)
        numbers = [value if fit else 0 for value, fit in zip(values, fits, strict=True)]
        found = pd.Index(known).get_indexer(pd.Index(numbers, dtype="int64"))
        found = np.where(fits, found, -1)
    else:
        texts = pd.Index([str(value) for value in values], dtype=object)
        found = pd.Index(known, dtype=object).get_indexer(texts)
    # A missing id has the code -1, which selects the last element.
    return np.append(found, -1)[codes].astype(np.int64)


def _is_signed(column: pd.Series) -> bool:
    return pd.api.types.is_signed_integer_dtype(column) and not column.hasnans


def _fits(value: int | str) -> bool:
    return isinstance(value, int) and _INT64.min <= value <= _INT64.max


def _factorized(column: pd.Series) -> tuple[IntArray, list[Any]]:
    """Returns each value's code, -1 if missing, and the distinct values by code."""
    try:
        codes, raw = pd.factorize(column)
    except TypeError:
        raise _no_id(column, column.iloc[0], NO_ID) from None
    return codes, list(raw)


def _refuse_inexact(column: pd.Series, raw: list[Any]) -> None:
    """Refuses numbers that are infinite, or floats too large to be exact."""
    try:
        numbers = np.array([float(value) for value in raw])
    except (ValueError, OverflowError):
        return  # text
    with np.errstate(invalid="ignore"):
        inexact = ~(np.abs(numbers) <= _EXACT)
    for value in np.array(raw, object)[inexact]:
        if not np.isfinite(float(value)):
            raise _no_id(column, value, NO_ID)
        exact = isinstance(value, int | np.integer) or isinstance(parse_id(value), int)
        if isinstance(value, float | np.floating) or not exact:
            raise _no_id(
                column,
                value,
                "is too large to be exact: write ids as whole numbers without exponent,"
                " or as text",
            )


def _no_id(column: pd.Series, value: Any, why: str) -> DataError:
    shown = " ".join(str(value).split())[:60] or "a blank text"
    return DataError(f"column {column.name}: {shown} {why}.")
