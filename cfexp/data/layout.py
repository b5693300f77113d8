"""How a user's CSV file is laid out: its separator, and whether it has a header."""

import csv
import re
from collections.abc import Collection, Sequence
from pathlib import Path

import pandas as pd

# In the order of preference where several fit.
SEPARATORS = ("\t", "::", ";", ",", "|")
# A control character that separates nothing, so that a line is read as a whole.
NEVER = "\x1f"
LINES = 20
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")


def separator_of(file: Path, encoding: str) -> str:
    """Returns the separator that splits the first lines of a CSV file alike.

    Args:
        file: The file, perhaps compressed.
        encoding: Its encoding.

    Raises:
        ValueError: The file is empty, or not in this encoding; see `pandas.read_csv`.
    """
    lines = pd.read_csv(
        file,
        sep=NEVER,
        header=None,
        nrows=LINES,
        dtype="str",
        encoding=encoding,
        quoting=csv.QUOTE_NONE,
        usecols=[0],
        keep_default_na=False,
    )[0]
    counts = {sep: [_cells(line, sep) for line in lines] for sep in SEPARATORS}
    # What the header has no use for is part of titles or genres.
    fitting = [sep for sep in SEPARATORS if counts[sep][0] > 1]
    return max(
        fitting,
        key=lambda sep: (len(set(counts[sep])) == 1, counts[sep][0]),
        default=",",
    )


def is_data(first: Sequence[str], names: Collection[str], most: int) -> bool:
    """Returns whether the first line of a file is data, rather than a header.

    Args:
        first: The cells of the line.
        names: Names of columns that a header would have.
        most: The most columns that a file without a header may have.
    """
    cells = [cell.strip() for cell in first]
    if not 1 < len(cells) <= most or set(cells) & set(names):
        return False
    return any(NUMBER.fullmatch(cell) for cell in cells)


def _cells(line: str, separator: str) -> int:
    """Returns the number of cells of a line, in which quotes are heeded."""
    if len(separator) > 1:
        return line.count(separator) + 1
    return len(next(csv.reader([line], delimiter=separator), [""]))
