"""How a user's CSV file is laid out: its separator, and whether it has a header."""

import csv
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cfexp.errors import DataError

# In the order of preference where several fit.
SEPARATORS = ("\t", "::", ";", ",", "|")
# A control character that separates nothing, so that a line is read as a whole.
NEVER = "\x1f"
LINES = 20
NUMBER = re.compile(r"[-+]?(\d+[.,]?\d*|[.,]\d+)([eE][-+]?\d+)?")
# Whether a file has a header, or the names of the columns of one that has none.
Header = bool | tuple[str, ...]


@dataclass(frozen=True)
class Layout:
    r"""How a CSV file is laid out; None: it is found out.

    Attributes:
        separator: Column separator, taken literally except ``\t`` and ``\s+``.
        encoding: Character encoding.
        decimal: Decimal separator, a point or a comma.
        header: See `Header`.
    """

    separator: str | None = None
    encoding: str | None = None
    decimal: str | None = None
    header: Header | None = None


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
    if not min(most, 2) <= len(cells) <= most or set(cells) & set(names):
        return False
    return bool(cells) and any(NUMBER.fullmatch(cell) for cell in cells)


def names_without_header(
    first: Sequence[str], header: Header | None, order: Sequence[str], option: str
) -> list[str] | None:
    """Returns the names of the columns of a file without a header; None if it has one.

    Args:
        first: The cells of its first line.
        header: What the user says.
        order: The names of the columns, in order; the file may have fewer columns.
        option: The option that names the file, for messages.

    Raises:
        DataError: The user says that it has no header, and its columns are not known.
    """
    if header is None:
        found = is_data(first, order, len(order))
        return list(order[: len(first)]) if found else None
    if isinstance(header, bool):
        names = None if header else list(order)
        short = names is not None and len(first) > len(names)
    else:
        names, short = list(header), len(first) != len(header)
    if names is None or not short:
        return names and names[: len(first)]
    said = str(header).lower() if isinstance(header, bool) else f"[{','.join(names)}]"
    raise DataError(
        f"{setting_of(option, 'header')}={said}: the file has {len(first)} columns, the"
        f" first line is {', '.join(first)[:200]}. Give the name of each column, such"
        f" as {setting_of(option, 'header')}=[{example(order, len(first))}]."
    )


def setting_of(option: str, name: str) -> str:
    """Returns the option that says how a file is laid out.

    Args:
        option: The option that names the file, such as ``dataset.ratings``.
        name: ``header``, of one table, or what all files have in common.
    """
    group, _, table = option.partition(".")
    return f"{group}.{name}.{table}" if name == "header" else f"{group}.{name}"


def example(order: Sequence[str], n: int) -> str:
    """Returns names of `n` columns, for messages."""
    return ",".join([*order[:n], *(f"column{i + 1}" for i in range(len(order), n))])


def _cells(line: str, separator: str) -> int:
    """Returns the number of cells of a line, in which quotes are heeded."""
    if len(separator) > 1:
        return line.count(separator) + 1
    return len(next(csv.reader([line], delimiter=separator), [""]))
