"""The XLA program that trains on a chunk of rows."""

import weakref
from collections.abc import Callable, Sequence
from typing import NamedTuple

import keras
import tensorflow as tf

from cfexp.models.forward import size_of
from cfexp.models.signature import numbers_of, replaced
from cfexp.training.rowwise import Rowwise

Rows = dict[str, tf.Tensor]
Tables = dict[str, tf.Tensor]
Numbers = Sequence[tf.Tensor]
Variables = Sequence[keras.Variable]


class Losses(NamedTuple):
    """Losses of a batch, or their sums over batches.

    Attributes:
        loss: The mean squared error, plus the model's penalties.
        error: The mean squared error.
    """

    loss: tf.Tensor
    error: tf.Tensor


class Program:
    """An XLA program that trains a model on a chunk of rows.

    It reads the numbers of the model and optimizer, such as penalties and learning
    rates, so that it can train other models of the same architecture, whose variables
    are copied to `variables` first and back afterwards.

    Args:
        model: A model built by `NeuralModel.build`.
        optimizer: The optimizer of its trainable variables, built.
        batch_size: Rows in a batch.

    Attributes:
        variables: The variables of the model and the optimizer.
        size: Their bytes.
        run_chunk: The compiled function: trains on rows with tables of features, for
            a number of batches, and returns the sums of their losses.
    """

    def __init__(
        self,
        model: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        batch_size: int,
    ):
        self.variables = [*model.variables, *optimizer.variables]
        self.size = size_of(self.variables)
        self.run_chunk: Callable[[Rows, Tables, tf.Tensor, Numbers], Losses]
        self.run_chunk = tf.function(
            self._run_chunk,
            jit_compile=True,
            autograph=False,  # which would take a second to convert an explicit loop
        )
        self._model, self._optimizer, self._batch_size = model, optimizer, batch_size
        self._numbers = numbers_of(model, optimizer)
        self._engine: weakref.ref[object] | None = None

    def _run_chunk(
        self, rows: Rows, tables: Tables, steps: tf.Tensor, numbers: Numbers
    ) -> Losses:
        """Trains on the first `steps` batches; returns the sums of their losses."""
        zero = tf.constant(0.0)
        with replaced(self._numbers, numbers):
            _, total = tf.while_loop(
                lambda step, total: step < steps,
                lambda step, total: self._train_step(step, total, rows, tables),
                (tf.constant(0), Losses(zero, zero)),
            )
        return total

    def _train_step(
        self, step: tf.Tensor, total: Losses, rows: Rows, tables: Tables
    ) -> tuple[tf.Tensor, Losses]:
        size, variables = self._batch_size, self._model.trainable_variables
        batch = {
            name: tf.slice(column, [step * size], [size])
            for name, column in rows.items()
        }
        with tf.GradientTape() as tape:
            found = batch_losses(self._model, batch, tables)
        gradients = tape.gradient(found.loss, variables)
        if not isinstance(self._optimizer, Rowwise):
            # XLA has no sparse tensors: gradients of rows become whole tables.
            gradients = [tf.convert_to_tensor(g) for g in gradients]
        self._optimizer.apply(gradients, variables)
        return step + 1, Losses(total.loss + found.loss, total.error + found.error)

    def load(self, variables: Variables, engine: object) -> None:
        """Copies the variables of a model and its optimizer into the program's.

        Args:
            variables: As `variables`.
            engine: What trains the model; if it ran the program last, it is loaded.
        """
        last = self._engine() if self._engine else None
        if last is not engine:
            _copy(variables, self.variables)
        self._engine = weakref.ref(engine)

    def store(self, variables: Variables) -> None:
        """Copies the program's variables into those of a model and its optimizer."""
        _copy(self.variables, variables)


def _copy(variables: Variables, to: Variables) -> None:
    if variables[0] is to[0]:
        return  # a program for this model alone
    for variable, copy in zip(variables, to, strict=True):
        copy.value.assign(variable.value)


def batch_losses(model: keras.Model, rows: Rows, tables: Tables) -> Losses:
    """Returns the losses of a batch.

    Args:
        model: The model.
        rows: The batch's columns, see `Encoded.columns`.
        tables: The values of features, see `Encoded.tables`.
    """
    inputs = {"user": rows["user"], "item": rows["item"]}
    for name in tables.keys() & model.input.keys():
        inputs[name] = tf.gather(tables[name], rows[name])
    predicted = tf.squeeze(model(inputs, training=True), -1)
    error = tf.reduce_mean(tf.square(predicted - rows["rating"]))
    return Losses(error + tf.add_n([0.0, *model.losses]), error)
