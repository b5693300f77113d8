"""Progress bars: the part of a terminal or notebook cell that is drawn anew."""

import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.jupyter import JupyterMixin
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from cfexp.runtime.console import console
from cfexp.runtime.output import Verbosity, output

REFRESH = 0.1  # seconds between two updates in a notebook
LEAST_BAR, MOST_BAR = 8, 40  # characters


class Region:
    """Shows what a function returns, drawn anew; nothing outside of a terminal.

    What is printed meanwhile appears above it.

    Args:
        render: Returns what to show now.
    """

    def __init__(self, render: Callable[[], RenderableType]):
        self._render = render
        self._shown = 0.0
        self._cell: Any = None
        self._live: Live | None = None

    def start(self) -> None:
        """Begins to show it."""
        to = console()
        if output.verbosity is Verbosity.QUIET or output.job or output.is_worker:
            return
        if to.is_jupyter:
            # Rich would need ipywidgets, whose bars are not shown in a saved notebook.
            from IPython.display import display

            self._cell = display(self._render(), display_id=True)
        elif to.is_terminal and not to.is_dumb_terminal:
            self._live = Live(
                console=to,
                get_renderable=self._render,
                refresh_per_second=10,
                redirect_stdout=sys.stdout.isatty(),
                redirect_stderr=sys.stderr.isatty(),
            )
            self._live.start()

    def update(self) -> None:
        """Draws it anew in a notebook; a terminal is drawn ten times a second."""
        if self._cell and time.monotonic() - self._shown > REFRESH:
            self._shown = time.monotonic()
            self._cell.update(self._render())

    def stop(self, *, keep: bool = True) -> None:
        """Ends it; its last state stays, unless it is not to be kept."""
        if self._live:
            self._live.transient = not keep
            self._live.stop()
            self._live = None
        if self._cell:
            self._cell.update(self._render() if keep else Text(""))
            self._cell = None


class Bar(JupyterMixin):
    """A progress bar in one line; its figures are shown whole or not at all.

    Args:
        label: Text before the bar.
        done: How much is done.
        total: Of how much; None if that is not known.
        figures: Texts after the bar, the most important ones first.
    """

    def __init__(
        self, label: str, done: int, total: int | None, figures: Sequence[str]
    ):
        self.label, self.done, self.total = label, done, total
        self.figures = figures

    def __rich_console__(self, to: Console, options: ConsoleOptions) -> RenderResult:
        head = f"{self.label} {self.done}" + (f"/{self.total}" if self.total else "")
        room = options.max_width - cell_len(head) - 1
        kept: list[str] = []
        for figure in self.figures:
            if room - LEAST_BAR - cell_len(figure) - 2 >= 0:
                kept.append(figure)
                room -= cell_len(figure) + 2
        bar = ProgressBar(
            total=self.total, completed=self.done, width=max(min(room, MOST_BAR), 1)
        )
        texts = (
            [Text("".join(f"  {one}" for one in kept), no_wrap=True)] if kept else []
        )
        row = Table.grid(padding=0)
        row.add_row(Text(f"{head} ", style="bold", no_wrap=True), bar, *texts)
        yield row


def clock(seconds: float) -> str:
    """Returns a duration as ``0:07`` or ``1:02:03``."""
    minutes, whole = divmod(int(max(seconds, 0) + 0.5), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{whole:02}" if hours else f"{minutes}:{whole:02}"
