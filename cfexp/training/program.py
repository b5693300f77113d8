"""The XLA program that trains on a chunk of rows."""

import weakref
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from cfexp.models.forward import size_of
from cfexp.models.signature import numbers_of, replaced
from cfexp.training.copies import Copies
from cfexp.training.losses import Losses, Rows, Tables, batch_losses
from cfexp.training.rowwise import Rowwise
from cfexp.training.updates import (
    Optimizers,
    batchwise,
    row_sums_of,
    sums_of,
    variables_of_sums,
)

Numbers = Sequence[tf.Tensor]


class Batch(NamedTuple):
    """The size of a batch.

    Attributes:
        size: Its ratings.
        slots: How many rows of the rating matrix they are of, at most; 0: of any, in
            models that are not trained by whole rows. Ratings whose column ``slot`` has
            this number fill a batch up, and are not trained on.
    """

    size: int
    slots: int = 0


class Found(NamedTuple):
    """What a program finds in some batches.

    Attributes:
        total: The sums of the batches' losses.
        gradients: For each `HistorySum` of the model, the sums of the gradients of its
            sums and of its vectors.
    """

    total: Losses
    gradients: list[tuple[tf.Tensor, tf.Tensor]]


class Program:
    """A program, of XLA or not, that trains a model on a chunk of rows.

    It reads the numbers of the model and optimizer, such as penalties and learning
    rates, so that it can train other models of the same architecture, whose variables
    are copied to `variables` first and back afterwards.

    Args:
        model: A model built by `NeuralModel.build`.
        optimizers: Its optimizers, built.
        batch: The size of a batch.
        xla: False for functions that XLA does not compile.

    Attributes:
        variables: The variables of the model and the optimizer.
        histories: The histories of the model.
        row_sums: The sums of an autoencoder, which are trained by whole rows.
        size: Their bytes.
        run_chunk: The compiled function: trains on rows with tables of features, for
            a number of batches, and returns the sums of their losses.
    """

    def __init__(
        self,
        model: keras.Model,
        optimizers: Optimizers,
        batch: Batch,
        *,
        xla: bool = True,
    ):
        self.variables = [*model.variables, *optimizers.variables]
        self.size = size_of(self.variables)
        self.run_chunk: Any = _traced(self._run_chunk, xla)
        self.update_histories: Callable[[Sequence[tf.Tensor], Numbers], tf.Tensor]
        self.update_histories = _traced(self._update_histories, xla)
        self.histories = sums_of(model)
        self._batchwise = batchwise(model)
        self.row_sums = row_sums_of(model)
        for layer in self.row_sums:
            layer.slots = batch.slots
        self._model, self._optimizers, self._batch = model, optimizers, batch
        self._numbers = numbers_of(model, *optimizers)
        self._settle: weakref.WeakMethod[Callable[[], None]] | None = None

    def _run_chunk(
        self, rows: Rows, tables: Tables, steps: tf.Tensor, numbers: Numbers
    ) -> Found:
        """Trains on the first `steps` batches."""
        zero = tf.constant(0.0)
        gradients = [
            (tf.zeros(layer.sums.shape), tf.zeros(layer.table.shape))
            for layer in self.histories
        ]
        with replaced(self._numbers, numbers):
            _, found = tf.while_loop(
                lambda step, found: step < steps,
                lambda step, found: self._train_step(step, found, rows, tables),
                (tf.constant(0), Found(Losses(zero, zero), gradients)),
            )
        return found

    def _train_step(
        self, step: tf.Tensor, so_far: Found, rows: Rows, tables: Tables
    ) -> tuple[tf.Tensor, Found]:
        size, variables = self._batch.size, self._batchwise
        batch = {
            name: tf.slice(column, [step * size], [size])
            for name, column in rows.items()
        }
        if self._batch.slots:
            batch["weight"] = tf.cast(batch["slot"] < self._batch.slots, tf.float32)
        summed = [(layer.sums.value, layer.table.value) for layer in self.histories]
        with tf.GradientTape() as tape:
            tape.watch(summed)
            found = batch_losses(self._model, batch, tables, self._batch.slots)
        gradients, of_sums = tape.gradient(found.loss, (variables, summed))
        if not isinstance(self._optimizers.batchwise, Rowwise):
            # XLA has no sparse tensors: gradients of rows become whole tables.
            gradients = [tf.convert_to_tensor(g) for g in gradients]
        self._optimizers.batchwise.apply(gradients, variables)
        total = so_far.total
        total = Losses(total.loss + found.loss, total.error + found.error)
        added = [
            tuple(_add_rows(sum_, g) for sum_, g in zip(sums, new, strict=True))
            for sums, new in zip(so_far.gradients, of_sums, strict=True)
        ]
        return step + 1, Found(total, added)

    def _update_histories(
        self, gradients: Sequence[tf.Tensor], numbers: Numbers
    ) -> tf.Tensor:
        """Updates the vectors of all histories; returns their penalties.

        Args:
            gradients: The mean gradient of each history's vectors.
            numbers: As in `run_chunk`.
        """
        variables = variables_of_sums(self._model)
        with replaced(self._numbers, numbers):
            with tf.GradientTape() as tape:
                penalty = tf.add_n([layer.penalty() for layer in self.histories])
                parts = zip(self.histories, gradients, strict=True)
                inner = [tf.reduce_sum(layer.table.value * g) for layer, g in parts]
                loss = tf.add_n([penalty, *inner])
            found = tape.gradient(loss, variables)
            assert self._optimizers.histories
            self._optimizers.histories.apply(found, variables)
        return penalty

    @property
    def is_traced(self) -> bool:
        """Whether it has run, for rows of any number."""
        return self.run_chunk.experimental_get_tracing_count() > 0

    def load(self, copies: Copies, settle: Callable[[], None]) -> None:
        """Copies the variables of a model and its optimizer into the program's.

        Args:
            copies: Of the model's variables, in the order of `variables`.
            settle: A method of what trains the model, called before another model is
                loaded. If that loaded its model last, there is nothing to do.
        """
        if self.is_loaded(settle):
            return
        if last := self._settle and self._settle():
            last()
        copies.load()
        self._settle = weakref.WeakMethod(settle)

    def is_loaded(self, settle: Callable[[], None]) -> bool:
        """Returns whether `load` was called with this method last."""
        return self._settle is not None and self._settle() == settle


def _traced(function: Any, xla: bool) -> Any:
    # Autograph would take a second to convert an explicit loop.
    return tf.function(function, jit_compile=xla, autograph=False)


def _add_rows(table: tf.Tensor, gradient: tf.IndexedSlices) -> tf.Tensor:
    return tf.tensor_scatter_nd_add(table, gradient.indices[:, None], gradient.values)
