"""The epochs of a training and their errors."""

import math
from dataclasses import dataclass

from cfexp.evaluation.names import RATINGS_PER_SECOND, TRAINING
from cfexp.evaluation.objective import VAL_MAE, VAL_RMSE


@dataclass(frozen=True)
class Epoch:
    """One epoch.

    Attributes:
        epoch: Number of the epoch, from 1; 0 for the weights that fine-tuning starts
            from.
        train_loss: Mean training loss, penalties included; NaN for epoch 0.
        val_rmse: RMSE on the validation rows, in stars; NaN if there are none.
        val_mae: MAE on the validation rows, in stars; NaN if there are none.
        seconds: Seconds of training, without validation; NaN for epoch 0.
        time: End of the epoch, in seconds since 1970.
        train_rmse: RMSE of the predictions in training, in stars, with dropout, and of
            each batch before its update; NaN for epoch 0.
        monitored: Value of ``training.monitor``; NaN if that is `val_rmse`.
        maximise: Whether a higher value of it is better.
    """

    epoch: int
    train_loss: float
    val_rmse: float
    val_mae: float
    seconds: float
    time: float
    train_rmse: float = math.nan
    monitored: float = math.nan
    maximise: bool = False

    @property
    def cost(self) -> float:
        """A number that is lowest in the best epoch; NaN without validation rows."""
        found = -self.monitored if self.maximise else self.monitored
        return self.val_rmse if math.isnan(found) else found

    def value(self, name: str) -> float:
        """Returns a validation metric: RMSE, MAE, or else what is monitored."""
        errors = {VAL_RMSE: self.val_rmse, VAL_MAE: self.val_mae}
        return errors.get(name, self.monitored)


@dataclass(frozen=True)
class History:
    """The epochs of a training.

    Attributes:
        epochs: The epochs in order.
        engine: Name of the engine that ran the last epoch.
        ratings_per_second: Training rows per second in the fastest epoch.
        averaged: Whether the epochs are samples of a posterior, whose mean predicts, so
            that none is chosen.
    """

    epochs: tuple[Epoch, ...]
    engine: str
    ratings_per_second: float
    averaged: bool = False

    @property
    def best(self) -> Epoch:
        """The best epoch of ``training.monitor``; the last if none is chosen."""
        validated = [e for e in self.epochs if not math.isnan(e.cost)]
        if self.averaged or not validated:
            return self.epochs[-1]
        return min(validated, key=lambda e: e.cost)

    @property
    def chosen(self) -> str:
        """What predicts, in words."""
        if self.averaged:
            return f"mean of samples, {len(self.epochs)} sweeps"
        return f"best epoch {self.best.epoch} of {len(self.trained)}"

    def metrics(self) -> dict[str, float]:
        """Returns the metrics of a training by name."""
        best, last = self.best, self.epochs[-1]
        found = {
            "best_epoch": math.nan if self.averaged else float(best.epoch),
            f"{TRAINING}epochs": float(len(self.trained)),
            f"{TRAINING}rmse": best.train_rmse,
            f"{TRAINING}loss": best.train_loss,
            f"{TRAINING}last_loss": last.train_loss,
            f"{TRAINING}last_val_rmse": last.val_rmse,
            RATINGS_PER_SECOND: self.ratings_per_second,
        }
        # NaN: no epoch is chosen; the loss of epoch 0; no validation rows.
        return {name: value for name, value in found.items() if not math.isnan(value)}

    @property
    def trained(self) -> tuple[Epoch, ...]:
        """The epochs without epoch 0."""
        return tuple(e for e in self.epochs if e.epoch > 0)
