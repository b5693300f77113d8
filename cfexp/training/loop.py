"""The epoch loop: early stopping, best weights, checkpoints, interrupts."""

import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import keras

from cfexp.data.encoding import Encoded
from cfexp.errors import DamagedError, TrainingError
from cfexp.evaluation.metrics import mae, rmse
from cfexp.runtime.signals import deferred_interrupts
from cfexp.training import checkpoint
from cfexp.training.checkpoint import Checkpointing
from cfexp.training.distributed import agree
from cfexp.training.engines import EpochErrors
from cfexp.training.history import Epoch, History
from cfexp.training.members import Members
from cfexp.training.progress import EpochBar
from cfexp.training.recipe import NO_HOOKS, Hooks, Recipe
from cfexp.training.validation import Monitor

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Rows:
    """The encoded rows of a training.

    Attributes:
        train: The rows to train on.
        valid: The validation rows, which choose the epoch; None to keep the last one.
        monitor: Computes ``training.monitor``; None: their RMSE.
    """

    train: Encoded
    valid: Encoded | None
    monitor: Monitor | None = None


def fit(
    models: Sequence[keras.Model],
    rows: Rows,
    *,
    recipe: Recipe,
    hooks: Hooks = NO_HOOKS,
    epochs: int | None = None,
    is_trained: bool = False,
) -> History:
    """Trains networks in place; with validation rows, restores the best weights.

    Args:
        models: Networks built by `NeuralModel.build`, all of one architecture; their
            mean is validated.
        rows: The training and validation rows.
        recipe: Optimizer and training settings, and the seed of the order of rows.
        hooks: Checkpoints (see ``training.resume``), and a callback for epochs.
        epochs: Stop after this many epochs of the schedule of ``training.epochs``.
        is_trained: Validate the present weights too, as epoch 0.

    Returns:
        The epochs; validation errors are NaN without validation rows.

    Raises:
        ConfigError: There is no checkpoint to resume from.
        TrainingError: The loss is not finite.
        Pruned: ``hooks.on_epoch`` gives the training up.
        KeyboardInterrupt: On SIGINT or SIGTERM, after a checkpoint was saved.
    """
    loop = _Loop(models, rows, recipe, hooks)
    loop.start(is_trained=is_trained)
    scheduled = recipe.training.epochs
    last = min(epochs or scheduled, scheduled)
    label = "training" if rows.valid or is_trained else "refitting"
    bar = EpochBar(last, loop.members.n_rows, label=label)
    with bar, deferred_interrupts() as stop:
        for number in range(loop.next, last + 1):
            if loop.has_stalled:
                break
            bar.show(epoch := loop.run_epoch(number))
            hooks.on_epoch(epoch)  # which may end the training
            done = number == last or loop.has_stalled
            loop.save_checkpoint(number, now=done or bool(stop.received))
            if stop.received:
                raise KeyboardInterrupt(stop.received.name)
    return loop.finish()


class _Loop:
    """The state of a training between two epochs; arguments as in `fit`."""

    def __init__(
        self, models: Sequence[keras.Model], rows: Rows, recipe: Recipe, hooks: Hooks
    ):
        self.training, self.rows, self.hooks = recipe.training, rows, hooks
        self.members = Members(models, rows.train, recipe)
        self.state = checkpoint.State()

    @property
    def next(self) -> int:
        """Number of the next epoch."""
        return self.state.epochs[-1].epoch + 1 if self.state.epochs else 1

    @property
    def has_stalled(self) -> bool:
        """Whether the validation has not improved for ``patience`` epochs."""
        epochs, patience = self.state.epochs, self.training.patience
        if patience is None or not epochs or math.isnan(epochs[-1].cost):
            return False
        best = min(epochs, key=lambda e: e.cost)
        return epochs[-1].epoch - best.epoch >= patience

    def start(self, *, is_trained: bool) -> None:
        """Restores a checkpoint, or validates a trained model as epoch 0."""
        if self.hooks.checkpoints and self.training.resume:
            self.state = _restore(self.hooks.checkpoints, self.members)
        elif is_trained and self.rows.valid:
            first = self._validated(0, EpochErrors(math.nan, math.nan), math.nan)
            self.state = checkpoint.State([first], best_weights=self.members.weights)
        for epoch in self.state.epochs:
            # A killed process may not have reported them.
            self.hooks.on_epoch(epoch)

    def run_epoch(self, number: int) -> Epoch:
        """Trains for an epoch and validates it."""
        rows = self.rows
        best = min((e.cost for e in self.state.epochs), default=math.inf)
        started = time.perf_counter()
        errors = self.members.run_epoch(number)
        seconds = time.perf_counter() - started
        _check_finite(errors.loss, number, self.members)
        epoch = self._validated(number, errors, seconds)
        if rows.valid and epoch.cost < best:
            self.state.best_weights = self.members.weights
        self.state.epochs.append(epoch)
        return epoch

    def save_checkpoint(self, number: int, *, now: bool) -> None:
        """Saves a checkpoint if one is due after this epoch, or `now`."""
        checkpoints, every = self.hooks.checkpoints, self.training.checkpoint_every
        if not checkpoints or not every or (number % every and not now):
            return
        self.state.weights = self.members.weights
        self.state.optimizer = self.members.optimizer
        self.state.note = checkpoints.note()
        checkpoint.save(checkpoints.path, self.state)

    def finish(self) -> History:
        """Restores the best epoch's weights and returns the epochs."""
        epochs = self.state.epochs
        if self.rows.valid:
            self.members.weights = self.state.best_weights
        fastest = min(e.seconds for e in epochs if e.epoch > 0)
        speed = self.members.n_rows / fastest
        return History(tuple(epochs), self.members.engine, speed)

    def _validated(self, number: int, errors: EpochErrors, seconds: float) -> Epoch:
        valid, monitor = self.rows.valid, self.rows.monitor
        root = absolute = monitored = math.nan
        if valid:
            predicted = self.members.scorer.predict(valid)
            if not self.training.ranks:
                root = agree(rmse(valid.rating, predicted))
                absolute = agree(mae(valid.rating, predicted))
            if monitor:
                monitored = agree(monitor(self.members.scorer, predicted))
        return Epoch(
            epoch=number,
            train_loss=errors.loss,
            val_rmse=root,
            val_mae=absolute,
            seconds=seconds,
            time=time.time(),
            train_rmse=errors.rmse,
            monitored=monitored,
            maximise=bool(monitor and monitor.objective.maximise),
        )


def _check_finite(loss: float, number: int, members: Members) -> None:
    if not math.isfinite(loss):
        raise TrainingError(
            f"the training loss is {loss} in epoch {number}: the model has diverged."
            " Lower optimizer.learning_rate (now"
            f" {members.learning_rate:g}) or set optimizer.clipnorm=1."
        )


def _restore(checkpoints: Checkpointing, members: Members) -> checkpoint.State:
    path = checkpoints.path
    try:
        state = checkpoint.load(path)
        checkpoint.check_fits(path, state, members.weights, members.optimizer)
    except DamagedError as error:
        if not checkpoints.restart_if_damaged:
            raise
        log.warning("%s: starting this job again", error.what)
        path.unlink()
        return checkpoint.State()
    members.weights, members.optimizer = state.weights, state.optimizer
    log.info("resumed after epoch %d from %s", state.epochs[-1].epoch, path)
    return state
