"""Completes tables of users and movies with what a trained model knows of them."""

import pandas as pd
from pandas.api.types import is_integer_dtype, is_numeric_dtype

from cfexp.data.ids import IntArray, positions
from cfexp.data.text import as_values


def completed(table: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """Returns a table with the further rows and values of another one.

    What the table says itself goes first.

    Args:
        table: Users or movies, ids first, as in `Ratings`.
        known: What else is known of them, ids first, in the same form.
    """
    key = table.columns[0]
    if table.empty or known.empty:
        return known if table.empty else table
    if not is_integer_dtype(table[key]):
        known = known.assign(**{key: known[key].astype("str")})
    elif not is_integer_dtype(known[key]):
        return table  # texts are none of its ids
    known, table = known.reset_index(drop=True), table.reset_index(drop=True)
    new = known[positions(known[key], table[key]) < 0]
    both = pd.concat([table, new], ignore_index=True)
    at = positions(both[key], known[key])
    for name in known.columns[1:]:
        own = table.get(name)
        both[name] = _filled(own, known[name], at)
    texts = [name for name in both if name != key and not is_numeric_dtype(both[name])]
    both = both.fillna(dict.fromkeys(texts, ""))
    return both.sort_values(key, ignore_index=True)


def _filled(own: pd.Series | None, known: pd.Series, at: IntArray) -> pd.Series:
    """Returns a column: a table's own values, known ones where there is none.

    Args:
        own: The table's values, of the first rows; None if it has no such column.
        known: The known values.
        at: The position of each row among them; -1 where it is unknown.
    """
    if own is not None and is_numeric_dtype(own) != is_numeric_dtype(known):
        numbers = is_numeric_dtype(own)
        known = pd.to_numeric(known, "coerce") if numbers else as_values(known)
    there = known.reindex(range(-1, len(known))).iloc[at + 1].reset_index(drop=True)
    if own is None:
        return there
    own = own.reindex(there.index)
    return own.where(own.notna() & (own != ""), there)
