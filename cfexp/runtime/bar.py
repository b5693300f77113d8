"""A progress bar in one line, whose figures are whole or left out."""

from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.jupyter import JupyterMixin
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

LEAST_BAR, MOST_BAR = 8, 40  # characters


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
