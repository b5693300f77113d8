"""What happened in a training, epoch by epoch."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Epoch:
    """One epoch.

    Attributes:
        epoch: Number of the epoch, from 1.
        train_loss: Mean training loss, penalties included.
        val_rmse: RMSE on the validation rows, in stars.
        val_mae: MAE on the validation rows, in stars.
        seconds: Seconds of training, without validation.
        time: When it ended, in seconds since 1970.
    """

    epoch: int
    train_loss: float
    val_rmse: float
    val_mae: float
    seconds: float
    time: float


@dataclass(frozen=True)
class History:
    """The epochs of a training.

    Attributes:
        epochs: The epochs in order.
        engine: Name of the engine that ran the last of them.
        ratings_per_second: Training rows a second in the fastest epoch.
    """

    epochs: tuple[Epoch, ...]
    engine: str
    ratings_per_second: float

    @property
    def best(self) -> Epoch:
        """The epoch with the lowest validation RMSE."""
        return min(self.epochs, key=lambda e: e.val_rmse)
