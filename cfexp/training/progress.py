"""The progress bar of a training, in a terminal or a notebook; else nothing."""

import math
import time
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from cfexp.training.history import Epoch

REFRESH = 0.1  # seconds between two updates of the bar in a notebook


class EpochBar:
    """Shows finished epochs.

    Args:
        epochs: Largest number of epochs.
        n_rows: Training rows in an epoch.
        label: Text before the bar.
    """

    def __init__(self, epochs: int, n_rows: int, *, label: str = "training"):
        console = Console()
        self._n_rows = n_rows
        self._bar = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(bar_width=28),
            MofNCompleteColumn(),
            TextColumn("{task.fields[figures]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task(label, total=epochs, figures="compiling")
        self._in_notebook = console.is_jupyter
        self._cell: Any = None  # of a notebook, where the bar is shown
        self._shown = 0.0

    def __enter__(self) -> "EpochBar":
        if self._in_notebook:
            # Rich would need ipywidgets, whose bars are not shown in a saved notebook.
            from IPython.display import display

            self._cell = display(self._bar, display_id=True)
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bar.stop()
        if self._cell:
            self._cell.update(self._bar)

    def show(self, epoch: Epoch) -> None:
        """Advances the bar to a finished epoch."""
        figures = [f"loss {epoch.train_loss:.4f}"]
        if not math.isnan(epoch.val_rmse):
            figures.append(f"val RMSE {epoch.val_rmse:.4f}")
        speed = self._n_rows / max(epoch.seconds, 1e-9)
        figures.append(f"{speed:,.0f} ratings/s")
        self._bar.update(self._task, completed=epoch.epoch, figures="  ".join(figures))
        if self._cell and time.monotonic() - self._shown > REFRESH:
            self._shown = time.monotonic()
            self._cell.update(self._bar)
