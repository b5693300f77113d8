"""The progress of a training: a bar of its own, or a line of a sweep's screen."""

import math
import time
from types import TracebackType

from cfexp.runtime.bar import Bar, clock
from cfexp.runtime.epochs import Progress, tell
from cfexp.runtime.live import Region
from cfexp.training.history import Epoch


class EpochBar:
    """Shows finished epochs, in a terminal or a notebook.

    Args:
        epochs: Largest number of epochs.
        n_rows: Training rows in an epoch.
        label: Text before the bar.
    """

    def __init__(self, epochs: int, n_rows: int, *, label: str = "training"):
        self._n_rows = n_rows
        self._progress = Progress(label, 0, epochs)
        self._region = Region(self._bar)
        self._started = time.monotonic()
        self._first, self._waited = 0, 0.0

    def __enter__(self) -> "EpochBar":
        if not tell(self._progress):
            self._region.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._region.stop()

    def show(self, epoch: Epoch) -> None:
        """Advances the bar to a finished epoch."""
        if not self._progress.epoch:
            self._first, self._waited = epoch.epoch, time.monotonic() - self._started
        figures = [f"loss {epoch.train_loss:.4f}"]
        if not math.isnan(epoch.val_rmse):
            figures.insert(0, f"val RMSE {epoch.val_rmse:.4f}")
        if not math.isnan(epoch.monitored):
            figures.insert(0, f"monitored {epoch.monitored:.4f}")
        speed = self._n_rows / max(epoch.seconds, 1e-9)
        figures.append(f"{speed:,.0f} ratings/s")
        self._progress = Progress(
            self._progress.stage,
            epoch.epoch,
            self._progress.epochs,
            tuple(figures),
            epoch.val_rmse,
            epoch.val_mae,
        )
        if not tell(self._progress):
            self._region.update()

    def _bar(self) -> Bar:
        done, total = self._progress.epoch, self._progress.epochs
        gone = time.monotonic() - self._started
        figures = list(self._progress.figures) or ["compiling"]
        # The first epoch shown had to wait for the compiler.
        n = done - self._first
        left = (
            f", {clock((gone - self._waited) / n * (total - done))} left"
            if n and done < total
            else ""
        )
        figures.insert(1, clock(gone) + left)
        return Bar(self._progress.stage, done, total, figures)
