"""Tables on the console: numbers are never cut, control characters never printed."""

import copy
import io
import os
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TextIO

import pandas as pd
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.table import Column, Table
from rich.text import Text

from cfexp.runtime.logs import run_files
from cfexp.runtime.output import output

# Text columns are folded to this width before any column is left out.
MIN_TEXT = 12
# Where there is no terminal.
WIDTH = 100
# Control characters, except line feeds.
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")


def console() -> Console:
    """Returns the console for results: stdout, or stderr if stdout is for JSON.

    Markup is off, because titles and names may contain Rich's markup characters. Where
    there is no terminal, the environment variable ``COLUMNS`` sets the width.
    """
    file = sys.stderr if output.as_json else sys.stdout
    found = Console(file=file, highlight=False, markup=False, emoji=False)
    if not (found.is_terminal or found.is_jupyter or "COLUMNS" in os.environ):
        found.width = WIDTH
    return found


def print_out(what: RenderableType, *, style: str | None = None) -> None:
    """Prints a text or table on the console, and into the log file of the run."""
    if output.shows_tables:
        console().print(what, style=style)
    for file in run_files():
        text = io.StringIO()
        _file_console(text).print(what, style=style)
        file.write(text.getvalue())


def clear() -> bool:
    """Clears the terminal; returns whether there is one."""
    to = console()
    if to.is_terminal:
        to.clear()
    return to.is_terminal


def _file_console(file: TextIO) -> Console:
    return Console(
        file=file,
        width=WIDTH,
        color_system=None,
        force_terminal=False,
        force_jupyter=False,
        highlight=False,
        markup=False,
        emoji=False,
    )


def plain(text: str) -> str:
    """Returns text with control characters replaced, which a terminal would obey."""
    return CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def show(table: Table, *, spare: Sequence[str] = ()) -> None:
    """Prints a table; numbers (right-justified columns) are never cut.

    In a narrow terminal, headers and texts are folded first; then columns are left
    out, and a line below the table names them.

    Args:
        table: The table.
        spare: Headers of columns to leave out first, in this order.
    """
    print_out(_Fitted(table, spare))


@dataclass(frozen=True)
class _Fitted:
    """A table that fits the console that it is printed to; its title stands above it.

    A title in the table would be broken to the width of the table.
    """

    table: Table
    spare: Sequence[str]

    def __rich_console__(
        self, to: Console, options: ConsoleOptions
    ) -> Iterator[RenderableType]:
        table = copy.deepcopy(self.table)
        title, table.title = table.title, None
        left_out = _fit(table, options.max_width, self.spare)
        if title:
            yield Text(str(title), style="italic")
        yield table
        if left_out:
            names = ", ".join(left_out)
            yield Text(f"not shown, for lack of room: {names}", style="dim")


def _fit(table: Table, width: int, spare: Sequence[str]) -> list[str]:
    """Sets each column's width; returns the headers of the columns left out."""
    columns = table.columns
    names = {id(column): str(column.header) for column in columns}
    # After the spare columns, from the right; the first column always stays.
    order = [c for name in spare for c in columns if names[id(c)] == name]
    named = set(map(id, order))
    order += [c for c in reversed(columns[1:]) if id(c) not in named]
    left_out = []
    while order and sum(map(_least, columns)) > _room(table, width):
        column = order.pop(0)
        left_out.append(names[id(column)])
        del columns[next(i for i, c in enumerate(columns) if c is column)]
    widths = {id(column): _least(column) for column in columns}
    free = _room(table, width) - sum(widths.values())
    waiting = sorted(columns, key=lambda c: _natural(c) - _least(c))
    for i, column in enumerate(waiting):
        more = min(_natural(column) - _least(column), free // (len(waiting) - i))
        widths[id(column)] += max(more, 0)
        free -= max(more, 0)
    for column in columns:
        column.width = max(widths[id(column)], 1)
        column.header = _folded(names[id(column)], column.width)
    return left_out


def _room(table: Table, width: int) -> int:
    """Returns the width left for cells, without lines and padding."""
    return width - 3 * len(table.columns) - 1


def _natural(column: Column) -> int:
    return max([cell_len(str(column.header)), *_lengths(column)])


def _least(column: Column) -> int:
    """Returns the smallest width: numbers whole, texts folded."""
    longest = max(_lengths(column), default=0)
    if column.justify != "right":
        longest = min(longest, MIN_TEXT)
    return max([longest, *map(cell_len, _words(str(column.header)))])


def _lengths(column: Column) -> list[int]:
    return [cell_len(line) for c in column.cells for line in str(c).split("\n")]


def _words(header: str) -> list[str]:
    return re.findall(r"[^ _]*[ _]?", header)[:-1]


def _folded(header: str, width: int) -> str:
    """Returns a header broken into lines after spaces and underscores."""
    lines = [""]
    for word in _words(header):
        if lines[-1] and cell_len(f"{lines[-1]}{word}".rstrip()) > width:
            lines.append("")
        lines[-1] += word
    return "\n".join(line.rstrip() for line in lines)


def print_frame(
    title: str, frame: pd.DataFrame, *, digits: int = 4, spare: Sequence[str] = ()
) -> None:
    """Prints a data frame as a table.

    Args:
        title: Text above it.
        frame: The table.
        digits: Decimal places of fractions.
        spare: Columns to leave out first in a narrow terminal, in this order.
    """
    table = _table(title)
    for name in frame.columns:
        numeric = pd.api.types.is_numeric_dtype(frame[name])
        justify: Literal["right", "left"] = "right" if numeric else "left"
        table.add_column(plain(str(name)), justify=justify, overflow="fold")
    for row in frame.itertuples(index=False, name=None):
        table.add_row(*(_cell(value, digits) for value in row))
    show(table, spare=spare)


def print_lines(lines: Sequence[tuple[str, str]]) -> None:
    """Prints names and values, aligned."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in lines:
        table.add_row(name, plain(value))
    print_out(table)


def _table(title: str) -> Table:
    return Table(title=plain(title), title_justify="left", header_style="bold")


def as_text(value: float, digits: int = 4) -> str:
    """Returns a number as text: a whole one without decimal places."""
    whole = abs(value) >= 1 and float(value).is_integer()
    return f"{value:,.{0 if whole else digits}f}"


def _cell(value: object, digits: int) -> str:
    if isinstance(value, float):
        return "" if pd.isna(value) else as_text(value, digits)
    return "" if value is None else plain(str(value))
