"""Numbers with a decimal comma, such as 3,5, in a user's CSV file."""

import logging
import re
from collections.abc import Collection

import pandas as pd
from pandas.api.types import is_object_dtype, is_string_dtype

log = logging.getLogger(__name__)

NUMBER = re.compile(r"\s*[-+]?\d+(,\d+)?\s*")
FIRST = 1000  # values that are looked at before all of a column are


def with_decimal_commas(
    frame: pd.DataFrame, texts: Collection[str], where: str, fix: str
) -> pd.DataFrame:
    """Returns a table whose columns of numbers with a decimal comma are numbers.

    That is each column whose values are all whole numbers, or have one comma between
    digits, as at least one has; a warning names them.

    Args:
        frame: The table, as read with a decimal point.
        texts: Columns that are texts, such as ids, titles and genres.
        where: Its name in messages.
        fix: What to do if the commas mean something else, for messages.
    """
    found = {
        name: column
        for name, column in frame.items()
        if name not in texts and _has_commas(column)
    }
    if not found:
        return frame
    first = next(iter(found.values()))
    log.warning(
        "%s: numbers such as %s in %s are read with a decimal comma. If the comma means"
        " something else, %s",
        where,
        next(value for value in first.dropna() if "," in value).strip(),
        ", ".join(map(str, found)),
        fix,
    )
    numbers = {
        name: pd.to_numeric(column.str.replace(",", ".", regex=False)).astype("float64")
        for name, column in found.items()
    }
    return frame.assign(**{str(name): own for name, own in numbers.items()})


def _has_commas(column: pd.Series) -> bool:
    if not (is_object_dtype(column) or is_string_dtype(column)):
        return False
    values = column.dropna()
    return (
        all(map(_is_number, values.head(FIRST)))
        and all(map(_is_number, values))
        and any("," in value for value in values)
    )


def _is_number(value: object) -> bool:
    return isinstance(value, str) and NUMBER.fullmatch(value) is not None
