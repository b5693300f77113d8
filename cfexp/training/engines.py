"""Two ways to run one epoch over the same batches: compiled, and Keras' own."""

import logging
from collections.abc import Callable
from typing import Any, Protocol

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from cfexp.errors import first_line
from cfexp.features import Encoded
from cfexp.training.rowwise import Rowwise

log = logging.getLogger(__name__)

Rows = dict[str, tf.Tensor]
Loop = tuple[tf.Tensor, tf.Tensor]


class Engine(Protocol):
    """Runs epochs of a model, its optimizer and its training rows."""

    name: str

    def run_epoch(self, order: npt.NDArray[np.int32]) -> float:
        """Trains on rows in `order`, cut into full batches; returns the mean loss."""
        ...


class CompiledEngine:
    """Runs each epoch as one XLA program over training rows held in tensors.

    Args:
        model: A model that takes ``user``, ``item`` and perhaps ``genres``.
        optimizer: The optimizer of its trainable variables.
        data: The training rows.
        batch_size: Rows in a batch.
    """

    name = "compiled"

    def __init__(
        self,
        model: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        data: Encoded,
        batch_size: int,
    ):
        optimizer.build(model.trainable_variables)
        columns = {
            name: tf.constant(getattr(data, name))
            for name in ("user", "item", "genre_row", "rating")
        }
        table = tf.constant(data.genre_table)
        takes_genres = "genres" in model.input
        variables = model.trainable_variables

        def train_step(step: tf.Tensor, total: tf.Tensor, rows: Rows) -> Loop:
            batch = {
                name: tf.slice(column, [step * batch_size], [batch_size])
                for name, column in rows.items()
            }
            inputs = {"user": batch["user"], "item": batch["item"]}
            if takes_genres:
                inputs["genres"] = tf.gather(table, batch["genre_row"])
            with tf.GradientTape() as tape:
                predicted = tf.squeeze(model(inputs, training=True), -1)
                error = tf.square(predicted - batch["rating"])
                loss = tf.reduce_mean(error) + tf.add_n([0.0, *model.losses])
            gradients = tape.gradient(loss, variables)
            if not isinstance(optimizer, Rowwise):
                # XLA has no sparse tensors: looked-up rows become a whole table.
                gradients = [tf.convert_to_tensor(g) for g in gradients]
            optimizer.apply(gradients, variables)
            return step + 1, total + loss

        # An explicit loop, since AutoGraph takes a second to find the same one.
        @tf.function(jit_compile=True, autograph=False)
        def epoch(order: tf.Tensor) -> tf.Tensor:
            rows = {name: tf.gather(column, order) for name, column in columns.items()}
            steps = order.shape[0] // batch_size
            _, total = tf.while_loop(
                lambda step, total: step < steps,
                lambda step, total: train_step(step, total, rows),
                (tf.constant(0), tf.constant(0.0)),
            )
            return total / steps

        self._epoch: Callable[[tf.Tensor], tf.Tensor] = epoch

    def run_epoch(self, order: npt.NDArray[np.int32]) -> float:
        """Trains on rows in `order`, cut into full batches; returns the mean loss."""
        return float(self._epoch(tf.constant(order)))


class KerasEngine:
    """Runs each epoch with `keras.Model.fit`; arguments as in `CompiledEngine`."""

    name = "keras"

    def __init__(
        self,
        model: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        data: Encoded,
        batch_size: int,
    ):
        model.compile(optimizer=optimizer, loss="mse")
        self._model = model
        self._data = data
        self._batch_size = batch_size

    def run_epoch(self, order: npt.NDArray[np.int32]) -> float:
        """Trains on rows in `order`, cut into full batches; returns the mean loss."""
        history = self._model.fit(
            model_inputs(self._model, self._data, order),
            self._data.rating[order],
            batch_size=self._batch_size,
            shuffle=False,
            verbose=0,
        )
        return float(history.history["loss"][0])


class FallbackEngine:
    """The compiled engine, or Keras' own for a model that XLA cannot compile.

    Args:
        model: As in `CompiledEngine`.
        optimizer: As in `CompiledEngine`.
        data: The training rows.
        batch_size: Rows in a batch.
        compiled: False to use Keras' own from the start.
    """

    def __init__(
        self,
        model: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        data: Encoded,
        batch_size: int,
        *,
        compiled: bool,
    ):
        self._arguments = (model, optimizer, data, batch_size)
        kind = CompiledEngine if compiled else KerasEngine
        self._engine: Engine = kind(*self._arguments)
        self._epochs = 0

    @property
    def name(self) -> str:
        """Name of the engine in use."""
        return self._engine.name

    def run_epoch(self, order: npt.NDArray[np.int32]) -> float:
        """Trains on rows in `order`; a failed compilation changes no weight."""
        try:
            loss = self._engine.run_epoch(order)
        except (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError) as error:
            if self.name == "keras" or self._epochs:
                raise
            model = self._arguments[0]
            log.warning("XLA cannot compile %s: %s", model.name, first_line(error))
            log.warning("going on with training.engine=keras, which is slower")
            self._engine = KerasEngine(*self._arguments)
            loss = self._engine.run_epoch(order)
        self._epochs += 1
        return loss


def model_inputs(
    model: keras.Model, data: Encoded, rows: npt.NDArray[np.int32] | slice
) -> dict[str, npt.NDArray[Any]]:
    """Returns those inputs of some rows that `model` takes, by name."""
    inputs: dict[str, npt.NDArray[Any]] = {
        "user": data.user[rows],
        "item": data.item[rows],
    }
    if "genres" in model.input:
        inputs["genres"] = data.genre_table[data.genre_row[rows]]
    return inputs


def epoch_order(
    n_rows: int, batch_size: int, rng: np.random.Generator
) -> npt.NDArray[np.int32]:
    """Returns a shuffle of all rows, filled up from its start to full batches."""
    order = rng.permutation(n_rows).astype(np.int32)
    return np.resize(order, -(-n_rows // batch_size) * batch_size)
