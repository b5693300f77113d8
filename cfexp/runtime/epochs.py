"""What is told about a training's epochs, and to whom."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """How far a training is.

    Attributes:
        stage: ``training`` or ``refitting``.
        epoch: Number of the last finished epoch; 0 at the start.
        epochs: The most epochs.
        figures: What the epoch came to, such as ``val RMSE 0.9126``, the most important
            first.
        val_rmse: Its validation RMSE; NaN without validation rows.
        val_mae: Its validation MAE; NaN without validation rows.
    """

    stage: str
    epoch: int
    epochs: int
    figures: tuple[str, ...] = ()
    val_rmse: float = float("nan")
    val_mae: float = float("nan")


Listener = Callable[[Progress], None]
_listeners: list[Listener] = []


def listener() -> Listener | None:
    """Returns who hears of epochs now, if anybody does."""
    return _listeners[-1] if _listeners else None


def tell(progress: Progress) -> bool:
    """Tells the listener about a training; returns False if nobody listens."""
    if not _listeners:
        return False
    _listeners[-1](progress)
    return True


@contextmanager
def told_to(listener: Listener) -> Iterator[None]:
    """Makes a listener hear of the epochs in the block, instead of any other."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)
