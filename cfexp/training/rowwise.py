"""Optimizers that update only the embedding rows that a batch looks up.

A dense update changes every row of every table at each step. Here the cost of a step
depends on the batch size alone, not on the number of users and movies.
"""

from typing import Any

import keras
import tensorflow as tf


def row_sums(gradient: tf.IndexedSlices, n_rows: int) -> tf.Tensor:
    """Returns the whole gradient of each looked-up row, shape ``(batch, width)``.

    Lookups of the same row get the same sum. They are grouped by their last position
    in the batch, so that no table of gradients is needed.

    Args:
        gradient: Sparse gradient of a table.
        n_rows: Number of rows of the table.
    """
    rows = tf.reshape(gradient.indices, [-1])
    positions = tf.range(tf.size(rows))
    last = tf.tensor_scatter_nd_max(
        tf.zeros([n_rows], tf.int32), rows[:, None], positions
    )
    last = tf.gather(last, rows)
    sums = tf.math.unsorted_segment_sum(gradient.values, last, tf.size(rows))
    return tf.gather(sums, last)


def table_share(model: keras.Model, batch_size: int) -> float:
    """Returns the largest share of `model`'s embedding tables that a batch looks up."""
    tables = [x for x in model.layers if isinstance(x, keras.layers.Embedding)]
    looked_up = batch_size * sum(table.output_dim for table in tables)
    return looked_up / max(sum(t.input_dim * t.output_dim for t in tables), 1)


class Rowwise:
    """Mixin of Keras optimizers for sparse gradients."""

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Updates one variable; if the gradient is sparse, only the looked-up rows."""
        if not isinstance(gradient, tf.IndexedSlices):
            super().update_step(gradient, variable, learning_rate)  # type: ignore[misc]
            return
        rows = gradient.indices
        g = row_sums(gradient, variable.shape[0])
        index = self._get_variable_index(variable)  # type: ignore[attr-defined]
        change = self.row_change(index, rows, g, learning_rate)
        _set_rows(variable, rows, tf.gather(variable, rows) + change)

    def row_change(
        self, index: int, rows: tf.Tensor, g: tf.Tensor, learning_rate: Any
    ) -> tf.Tensor:
        """Updates the slots of looked-up rows; returns the change of the rows.

        Args:
            index: Index of the variable's slots.
            rows: The looked-up rows, shape ``(batch,)``, possibly with repetitions.
            g: The whole gradient of each row, shape ``(batch, width)``.
            learning_rate: The learning rate of this step.

        Returns:
            Shape ``(batch, width)``.
        """
        raise NotImplementedError


class RowwiseAdam(Rowwise, keras.optimizers.Adam):
    """Adam that skips rows, and their moments, that are not looked up ("lazy Adam").

    Looked-up rows get the update of Kingma and Ba (2015), Algorithm 1.
    """

    def row_change(
        self, index: int, rows: tf.Tensor, g: tf.Tensor, learning_rate: Any
    ) -> tf.Tensor:
        step = tf.cast(self.iterations.value + 1, g.dtype)
        scale = tf.sqrt(1 - self.beta_2**step) / (1 - self.beta_1**step)
        m = _blend(self._momentums[index].value, rows, g, self.beta_1)
        v = _blend(self._velocities[index].value, rows, g * g, self.beta_2)
        return -learning_rate * scale * m / (tf.sqrt(v) + self.epsilon)


class RowwiseAdagrad(Rowwise, keras.optimizers.Adagrad):
    """Adagrad (Duchi et al., 2011); equal to the dense update."""

    def row_change(
        self, index: int, rows: tf.Tensor, g: tf.Tensor, learning_rate: Any
    ) -> tf.Tensor:
        table = self._accumulators[index].value
        total = tf.gather(table, rows) + g * g
        _set_rows(table, rows, total)
        return -learning_rate * g / tf.sqrt(total + self.epsilon)


def _blend(
    table: tf.Variable, rows: tf.Tensor, value: tf.Tensor, keep: float
) -> tf.Tensor:
    """Updates rows of a moving average with `value` and returns them."""
    mean = keep * tf.gather(table, rows) + (1 - keep) * value
    _set_rows(table, rows, mean)
    return mean


def _set_rows(table: tf.Variable, rows: tf.Tensor, values: tf.Tensor) -> None:
    # A row looked up twice is set twice, to the same values.
    table.scatter_update(tf.IndexedSlices(values, rows))
