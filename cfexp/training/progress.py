"""One progress bar for a training; nothing where output is not a terminal."""

from types import TracebackType

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


class EpochBar:
    """Shows epochs as they finish.

    Args:
        epochs: Number of epochs to come at most.
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

    def __enter__(self) -> "EpochBar":
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def show(self, epoch: Epoch) -> None:
        """Advances the bar to a finished epoch."""
        speed = self._n_rows / max(epoch.seconds, 1e-9)
        self._bar.update(
            self._task,
            completed=epoch.epoch,
            figures=f"loss {epoch.train_loss:.4f}  val RMSE {epoch.val_rmse:.4f}"
            f"  {speed:,.0f} ratings/s",
        )
