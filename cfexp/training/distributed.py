"""Training on several devices or machines, with `tf.distribute`."""

import functools
import logging
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from cfexp.data.encoding import Encoded
from cfexp.errors import ConfigError
from cfexp.training.engines import EpochErrors, rows_at, tables_of
from cfexp.training.losses import Losses, Rows, batch_losses
from cfexp.training.updates import Optimizers, row_sums_of, sums_of

log = logging.getLogger(__name__)


@functools.cache
def strategy_named(name: str) -> tf.distribute.Strategy:
    """Returns the strategy ``none``, ``mirrored`` or ``multiworker``.

    ``multiworker`` can be created only once, before TensorFlow is used otherwise, so
    that it is cached for the jobs of a sweep.
    """
    if name == "none":
        return tf.distribute.get_strategy()
    if name == "mirrored":
        config = tf.config
        devices = config.list_logical_devices("GPU") or config.list_logical_devices()
        found = tf.distribute.MirroredStrategy([device.name for device in devices])
    else:
        found = tf.distribute.MultiWorkerMirroredStrategy()
    log.info("training.strategy=%s: %d replicas", name, found.num_replicas_in_sync)
    return found


class DistributedEngine:
    """Splits each batch equally over all replicas; arguments as in `CompiledEngine`.

    The gradients of all replicas are summed before the update, so that the result is
    that of one device, except for rounding and dropout.

    Raises:
        ConfigError: The batch cannot be split equally, or the model has histories.
    """

    name = "distributed"

    def __init__(
        self,
        model: keras.Model,
        optimizers: Optimizers,
        data: Encoded,
        batch_size: int,
    ):
        self._strategy = tf.distribute.get_strategy()
        replicas = self._strategy.num_replicas_in_sync
        _check(model, batch_size, replicas)
        optimizer = optimizers.batchwise
        self._data = data
        self._batch_size = batch_size
        self._part = batch_size // replicas
        tables = tables_of(data)
        variables = model.trainable_variables

        def replica_step(rows: Rows) -> Losses:
            with tf.GradientTape() as tape:
                found = batch_losses(model, rows, tables)
                loss = found.loss / replicas
            # Dense, since sparse gradients of the same row would not be summed.
            gradients = [
                tf.convert_to_tensor(g) for g in tape.gradient(loss, variables)
            ]
            optimizer.apply(gradients, variables)
            return Losses(loss, found.error / replicas)

        @tf.function(autograph=False)
        def step(rows: Any) -> Losses:
            found = self._strategy.run(replica_step, args=(rows,))
            each = [self._strategy.reduce("SUM", part, axis=None) for part in found]
            return Losses(*each)

        self._step = step

    def run_epoch(self, order: npt.NDArray[np.int32]) -> EpochErrors:
        """Trains on rows in `order`, split into full batches."""
        batches = order.reshape(-1, self._batch_size)
        found = [self._step(self._rows(at)) for at in batches]
        means = np.mean([[float(x.loss), float(x.error)] for x in found], axis=0)
        return EpochErrors.of(*means)

    def settle(self) -> None:
        """Does nothing: each step updates the optimizer's own variables."""

    def _rows(self, at: npt.NDArray[np.int32]) -> Any:
        def part(context: Any) -> Any:
            start = context.replica_id_in_sync_group * self._part
            return rows_at(self._data, at[start : start + self._part])

        return self._strategy.experimental_distribute_values_from_function(part)


def _check(model: keras.Model, batch_size: int, replicas: int) -> None:
    if sums_of(model) or row_sums_of(model):
        raise ConfigError(
            f"model={model.name} has histories, which are trained on one device only."
            " Set training.strategy=none."
        )
    if batch_size % replicas:
        raise ConfigError(
            f"training.batch_size={batch_size} cannot be split into {replicas}"
            f" equal parts, one for each replica. Choose a multiple of {replicas}."
        )


def agree(value: float) -> float:
    """Returns the mean of all workers' values, so that all have the same number.

    They validate the same weights, but rounding differs between machines: one might
    stop early while the others wait for it.
    """
    strategy = tf.distribute.get_strategy()
    if strategy.num_replicas_in_sync == 1:
        return value

    @tf.function(autograph=False)
    def mean(mine: tf.Tensor) -> tf.Tensor:
        return strategy.reduce("MEAN", strategy.run(lambda: mine), axis=None)

    return float(mean(tf.constant(value, tf.float64)))
