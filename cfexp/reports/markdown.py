"""Tables and texts in Markdown."""

import re
from typing import Any

import numpy as np
import pandas as pd


def table(frame: pd.DataFrame) -> str:
    """Returns a table in Markdown."""
    lines = [list(map(str, frame.columns)), ["---"] * len(frame.columns)]
    rows = frame.itertuples(index=False, name=None)
    lines += [[_cell(value) for value in row] for row in rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _cell(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return str(value).lower()
    if isinstance(value, float):
        return "" if np.isnan(value) else f"{value:,.4f}".removesuffix(".0000")
    return f"{value:,}" if isinstance(value, int | np.integer) else escaped(str(value))


def escaped(text: str) -> str:
    """Returns text in one line, with Markdown's special characters escaped."""
    return re.sub(r"([\\|*_<>&`\[\]])", r"\\\1", " ".join(text.split()))
