"""The part of a terminal or notebook cell that is drawn anew."""

import sys
import time
from collections.abc import Callable
from typing import Any

from rich.console import RenderableType
from rich.live import Live
from rich.text import Text

from cfexp.runtime.console import console
from cfexp.runtime.output import Verbosity, output

REFRESH = 0.1  # seconds between two updates in a notebook


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
