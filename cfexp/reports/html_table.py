"""Tables of HTML pages, which the reader sorts by a click on a heading."""

from collections.abc import Mapping
from html import escape

import numpy as np
import pandas as pd

from cfexp.evaluation.significance import p_text

DIGITS = 4


def sortable(
    table: pd.DataFrame, *, name: str = "", id: str = "", digits: int = DIGITS
) -> str:
    """Returns a table as HTML; `cfexp.reports.page.page` adds the script that sorts it.

    Each number's cell has the whole number in ``data-value``, and shows it rounded: a
    column of whole numbers without decimal places, a column ``p`` as p-values.

    Args:
        table: The table.
        name: The column that identifies a row, in ``data-name``; none if empty.
        id: Of the element; none if empty.
        digits: Decimal places of other numbers.
    """
    texts = {c: _texts(table[c], digits) for c in table}
    numeric = {c: pd.api.types.is_numeric_dtype(table[c]) for c in table}
    head = "".join(
        f"<th{_class(numeric[c])}><button>{escape(str(c))}</button></th>" for c in table
    )
    rows = []
    for i in range(len(table)):
        row: Mapping[str, object] = table.iloc[i].to_dict()
        cells = "".join(_cell(row[c], texts[c][i], numeric[c]) for c in table)
        named = f' data-name="{escape(str(row[name]))}"' if name else ""
        rows.append(f"<tr{named}>{cells}</tr>")
    own = f' id="{id}"' if id else ""
    return (
        f'<div class="scroll"><table class="sortable"{own}><thead><tr>{head}</tr>'
        f"</thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _texts(column: pd.Series, digits: int) -> list[str]:
    if not pd.api.types.is_numeric_dtype(column):
        return ["" if pd.isna(v) else str(v) for v in column]
    if column.name == "p":
        return [p_text(p) for p in column]
    known = column.dropna()
    whole = bool((known % 1 == 0).all())
    places = 0 if whole else digits
    return ["" if pd.isna(v) else f"{v:,.{places}f}" for v in column]


def _cell(value: object, text: str, is_number: bool) -> str:
    if not is_number:
        return f"<td>{escape(text)}</td>"
    missing = isinstance(value, float) and np.isnan(value)
    exact = "" if missing else repr(float(value))  # type: ignore[arg-type]
    return f'<td class="number" data-value="{exact}">{escape(text)}</td>'


def _class(is_number: bool) -> str:
    return ' class="number"' if is_number else ""
