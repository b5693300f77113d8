"""The epoch loop: early stopping, best weights, checkpoints, interrupts."""

import logging
import math
import time

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
from cfexp.training.engines import FallbackEngine, epoch_order
from cfexp.training.history import Epoch, History
from cfexp.training.progress import EpochBar
from cfexp.training.recipe import Hooks, Recipe
from cfexp.training.rowwise import table_share

log = logging.getLogger(__name__)


def fit(
    model: keras.Model,
    train: Encoded,
    valid: Encoded | None,
    *,
    recipe: Recipe,
    hooks: Hooks,
    epochs: int | None = None,
    is_trained: bool = False,
) -> History:
    """Trains `model` in place; with `valid`, leaves it with the best epoch's weights.

    Args:
        model: A model as `NeuralModel.build` returns it.
        train: The rows to train on.
        valid: The rows that choose the epoch; None to keep the last one.
        recipe: How to train; its seed is that of the order of the rows.
        hooks: Checkpoints, which training resumes from where `training.resume` says
            so, and who is told of epochs.
        epochs: Stop after this many epochs of the schedule of `training.epochs`.
        is_trained: The model's weights are a candidate too, as epoch 0.

    Returns:
        The epochs; validation errors are NaN without `valid`.

    Raises:
        TrainingError: The loss is not finite, or there is no checkpoint to resume.
        KeyboardInterrupt: On SIGINT or SIGTERM, after a checkpoint was written.
    """
    training, checkpoints = recipe.training, hooks.checkpoints
    batch_size = min(training.batch_size, len(train))
    together = training.strategy != "none"
    keras_optimizer = recipe.optimizer.build(
        steps_per_epoch=math.ceil(len(train) / batch_size),
        epochs=training.epochs,
        # Rows cannot be updated alone on several devices.
        table_share=1.0 if together else table_share(model, batch_size),
    )
    keras_optimizer.build(model.trainable_variables)
    engine: FallbackEngine | DistributedEngine
    if together:
        engine = DistributedEngine(model, keras_optimizer, train, batch_size)
    else:
        compiled = training.engine != "keras"
        engine = FallbackEngine(
            model, keras_optimizer, train, batch_size, compiled=compiled
        )
    scorer = KerasScorer(model)
    if checkpoints and training.resume:
        state = _restore(checkpoints, model, keras_optimizer)
    else:
        state = _initial(scorer, valid if is_trained else None)
    for epoch in state.epochs:
        hooks.on_epoch(epoch)  # a process that was killed may not have passed them on
    last = min(epochs or training.epochs, training.epochs)
    first = state.epochs[-1].epoch + 1 if state.epochs else 1
    label = "training" if valid or is_trained else "refitting"

    with EpochBar(last, len(train), label=label) as bar, deferred_interrupts() as stop:
        for number in range(first, last + 1):
            if _stalled(state.epochs, training.patience):
                break
            rng = np.random.default_rng([recipe.seed, number])
            started = time.perf_counter()
            order = epoch_order(len(train), batch_size, rng, blocks=train.on_disk)
            loss = engine.run_epoch(order)
            seconds = time.perf_counter() - started
            _check_finite(loss, number, keras_optimizer)
            epoch = _validated(number, loss, seconds, scorer, valid)
            if valid and epoch.val_rmse < _best_rmse(state.epochs):
                state.best_weights = model.get_weights()
            state.epochs.append(epoch)
            bar.show(epoch)
            hooks.on_epoch(epoch)
            done = number == last or _stalled(state.epochs, training.patience)
            if checkpoints and _is_due(
                number, training.checkpoint_every, now=done or bool(stop.received)
            ):
                state.weights = model.get_weights()
                state.optimizer = [v.numpy() for v in keras_optimizer.variables]
                state.note = checkpoints.note()
                checkpoint.save(checkpoints.path, state)
            if stop.received:
                raise KeyboardInterrupt(stop.received.name)
    if valid:
        model.set_weights(state.best_weights)
    fastest = min(e.seconds for e in state.epochs if e.epoch > 0)
    return History(tuple(state.epochs), engine.name, len(train) / fastest)


def _is_due(number: int, every: int, *, now: bool) -> bool:
    return every > 0 and (now or number % every == 0)


def _check_finite(
    loss: float, number: int, optimizer: keras.optimizers.Optimizer
) -> None:
    if not math.isfinite(loss):
        raise TrainingError(
            f"the training loss is {loss} in epoch {number}: the model has diverged."
            " Lower optimizer.learning_rate (now"
            f" {float(optimizer.learning_rate):g}) or set optimizer.clipnorm=1."
        )


def _validated(
    number: int,
    loss: float,
    seconds: float,
    scorer: KerasScorer,
    valid: Encoded | None,
) -> Epoch:
    if valid is None:
        return Epoch(number, loss, math.nan, math.nan, seconds, time.time())
    predicted = scorer.predict(valid)
    return Epoch(
        number,
        loss,
        agree(rmse(valid.rating, predicted)),
        agree(mae(valid.rating, predicted)),
        seconds,
        time.time(),
    )


def _initial(scorer: KerasScorer, valid: Encoded | None) -> checkpoint.State:
    """Returns the state before the first epoch, with a trained model's own as 0."""
    if not valid:
        return checkpoint.State()
    start = _validated(0, math.nan, math.nan, scorer, valid)
    return checkpoint.State([start], best_weights=scorer.model.get_weights())


def _restore(
    checkpoints: Checkpointing,
    model: keras.Model,
    optimizer: keras.optimizers.Optimizer,
) -> checkpoint.State:
    path = checkpoints.path
    try:
        state = checkpoint.load(path)
        now = model.get_weights(), [v.numpy() for v in optimizer.variables]
        checkpoint.check_fits(path, state, *now)
    except DamagedError as error:
        if not checkpoints.or_anew:
            raise
        log.warning("%s: starting this job anew", error.what)
        path.unlink()
        return checkpoint.State()
    model.set_weights(state.weights)
    for variable, value in zip(optimizer.variables, state.optimizer, strict=True):
        variable.assign(value)
    log.info("resumed after epoch %d from %s", state.epochs[-1].epoch, path)
    return state


def _best_rmse(epochs: list[Epoch]) -> float:
    return min((e.val_rmse for e in epochs), default=math.inf)


def _stalled(epochs: list[Epoch], patience: int | None) -> bool:
    if patience is None or not epochs or math.isnan(epochs[-1].val_rmse):
        return False
    best = min(epochs, key=lambda e: e.val_rmse)
    return epochs[-1].epoch - best.epoch >= patience
