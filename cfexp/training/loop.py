"""The epoch loop: early stopping, best weights, checkpoints, interrupts."""

import logging
import math
import time
from dataclasses import dataclass

import keras
import numpy as np

from cfexp.data.encoding import Encoded
from cfexp.errors import DamagedError, TrainingError
from cfexp.evaluation.metrics import mae, rmse
from cfexp.models.scorer import KerasScorer
from cfexp.runtime.signals import deferred_interrupts
from cfexp.training import checkpoint
from cfexp.training.checkpoint import Checkpointing
from cfexp.training.distributed import DistributedEngine, agree
from cfexp.training.engines import EpochErrors, FallbackEngine
from cfexp.training.history import Epoch, History
from cfexp.training.order import epoch_order
from cfexp.training.progress import EpochBar
from cfexp.training.recipe import NO_HOOKS, Hooks, Recipe
from cfexp.training.updates import Optimizers

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Rows:
    """The encoded rows of a training.

    Attributes:
        train: The rows to train on.
        valid: The validation rows, which choose the epoch; None to keep the last one.
    """

    train: Encoded
    valid: Encoded | None


def fit(
    model: keras.Model,
    rows: Rows,
    *,
    recipe: Recipe,
    hooks: Hooks = NO_HOOKS,
    epochs: int | None = None,
    is_trained: bool = False,
) -> History:
    """Trains `model` in place; with validation rows, restores the best weights.

    Args:
        model: A model built by `NeuralModel.build`.
        rows: The training and validation rows.
        recipe: Optimizer and training settings, and the seed of the order of rows.
        hooks: Checkpoints (see ``training.resume``), and a callback for epochs.
        epochs: Stop after this many epochs of the schedule of ``training.epochs``.
        is_trained: Validate the model's present weights too, as epoch 0.

    Returns:
        The epochs; validation errors are NaN without validation rows.

    Raises:
        ConfigError: There is no checkpoint to resume from.
        TrainingError: The loss is not finite.
        Pruned: ``hooks.on_epoch`` gives the training up.
        KeyboardInterrupt: On SIGINT or SIGTERM, after a checkpoint was saved.
    """
    loop = _Loop(model, rows, recipe, hooks)
    loop.start(is_trained=is_trained)
    scheduled = recipe.training.epochs
    last = min(epochs or scheduled, scheduled)
    label = "training" if rows.valid or is_trained else "refitting"
    bar = EpochBar(last, len(rows.train), label=label)
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

    def __init__(self, model: keras.Model, rows: Rows, recipe: Recipe, hooks: Hooks):
        training = self.training = recipe.training
        self.model, self.rows, self.seed, self.hooks = model, rows, recipe.seed, hooks
        self.batch_size = min(training.batch_size, len(rows.train))
        distributed = training.strategy != "none"
        self.optimizers = Optimizers.of(model, recipe, len(rows.train))
        arguments = (model, self.optimizers, rows.train, self.batch_size)
        self.engine: FallbackEngine | DistributedEngine
        if distributed:
            self.engine = DistributedEngine(*arguments)
        else:
            compiled = training.engine != "keras"
            self.engine = FallbackEngine(*arguments, compiled=compiled)
        self.scorer = KerasScorer(model)
        self.state = checkpoint.State()

    @property
    def next(self) -> int:
        """Number of the next epoch."""
        return self.state.epochs[-1].epoch + 1 if self.state.epochs else 1

    @property
    def has_stalled(self) -> bool:
        """Whether the validation RMSE has not improved for ``patience`` epochs."""
        epochs, patience = self.state.epochs, self.training.patience
        if patience is None or not epochs or math.isnan(epochs[-1].val_rmse):
            return False
        best = min(epochs, key=lambda e: e.val_rmse)
        return epochs[-1].epoch - best.epoch >= patience

    def start(self, *, is_trained: bool) -> None:
        """Restores a checkpoint, or validates a trained model as epoch 0."""
        if self.hooks.checkpoints and self.training.resume:
            self.state = _restore(self.hooks.checkpoints, self.model, self.optimizers)
        elif is_trained and self.rows.valid:
            first = self._validated(0, EpochErrors(math.nan, math.nan), math.nan)
            self.state = checkpoint.State([first], best_weights=self._weights())
        for epoch in self.state.epochs:
            # A killed process may not have reported them.
            self.hooks.on_epoch(epoch)

    def run_epoch(self, number: int) -> Epoch:
        """Trains for an epoch and validates it."""
        rows = self.rows
        best = min((e.val_rmse for e in self.state.epochs), default=math.inf)
        rng = np.random.default_rng([self.seed, number])
        started = time.perf_counter()
        blocks = rows.train.on_disk
        order = epoch_order(len(rows.train), self.batch_size, rng, blocks=blocks)
        errors = self.engine.run_epoch(order)
        seconds = time.perf_counter() - started
        _check_finite(errors.loss, number, self.optimizers.batchwise)
        epoch = self._validated(number, errors, seconds)
        if rows.valid and epoch.val_rmse < best:
            self.state.best_weights = self._weights()
        self.state.epochs.append(epoch)
        return epoch

    def save_checkpoint(self, number: int, *, now: bool) -> None:
        """Saves a checkpoint if one is due after this epoch, or `now`."""
        checkpoints, every = self.hooks.checkpoints, self.training.checkpoint_every
        if not checkpoints or not every or (number % every and not now):
            return
        self.state.weights = self._weights()
        self.state.optimizer = [v.numpy() for v in self.optimizers.variables]
        self.state.note = checkpoints.note()
        checkpoint.save(checkpoints.path, self.state)

    def finish(self) -> History:
        """Restores the best epoch's weights and returns the epochs."""
        epochs = self.state.epochs
        if self.rows.valid:
            self.model.set_weights(self.state.best_weights)
        fastest = min(e.seconds for e in epochs if e.epoch > 0)
        speed = len(self.rows.train) / fastest
        return History(tuple(epochs), self.engine.name, speed)

    def _weights(self) -> checkpoint.Weights:
        return self.model.get_weights()

    def _validated(self, number: int, errors: EpochErrors, seconds: float) -> Epoch:
        valid, root, absolute = self.rows.valid, math.nan, math.nan
        if valid:
            predicted = self.scorer.predict(valid)
            root = agree(rmse(valid.rating, predicted))
            absolute = agree(mae(valid.rating, predicted))
        return Epoch(
            epoch=number,
            train_loss=errors.loss,
            val_rmse=root,
            val_mae=absolute,
            seconds=seconds,
            time=time.time(),
            train_rmse=errors.rmse,
        )


def _check_finite(
    loss: float, number: int, optimizer: keras.optimizers.Optimizer
) -> None:
    if not math.isfinite(loss):
        raise TrainingError(
            f"the training loss is {loss} in epoch {number}: the model has diverged."
            " Lower optimizer.learning_rate (now"
            f" {float(optimizer.learning_rate):g}) or set optimizer.clipnorm=1."
        )


def _restore(
    checkpoints: Checkpointing,
    model: keras.Model,
    optimizers: Optimizers,
) -> checkpoint.State:
    path = checkpoints.path
    try:
        state = checkpoint.load(path)
        now = model.get_weights(), [v.numpy() for v in optimizers.variables]
        checkpoint.check_fits(path, state, *now)
    except DamagedError as error:
        if not checkpoints.restart_if_damaged:
            raise
        log.warning("%s: starting this job again", error.what)
        path.unlink()
        return checkpoint.State()
    model.set_weights(state.weights)
    for variable, value in zip(optimizers.variables, state.optimizer, strict=True):
        variable.assign(value)
    log.info("resumed after epoch %d from %s", state.epochs[-1].epoch, path)
    return state
