"""Sums over the width of embeddings, in the form that XLA:CPU computes fastest.

A sum along the last axis is computed one number after the other, a matrix times a
vector of ones with vector instructions. The gradients are given, since TensorFlow would
multiply matrices for them, too.
"""

from collections.abc import Callable
from typing import Any, ClassVar

import keras
import tensorflow as tf

from cfexp.models.layers.shapes import per_row

Gradient = Callable[[tf.Tensor], Any]


@tf.custom_gradient
def row_dots(a: tf.Tensor, b: tf.Tensor) -> tuple[tf.Tensor, Gradient]:
    """Returns the dot products of rows, shape ``(batch, 1)``.

    Args:
        a: Shape ``(batch, width)``.
        b: The same shape.
    """
    return _row_sums(a * b), lambda by: (by * b, by * a)


@tf.custom_gradient
def square_sum(x: tf.Tensor) -> tuple[tf.Tensor, Gradient]:
    """Returns the sum of the squares of all elements of a matrix."""
    return tf.reduce_sum(_row_sums(x * x)), lambda by: 2.0 * by * x


def _row_sums(x: tf.Tensor) -> tf.Tensor:
    return tf.matmul(x, tf.ones([x.shape[-1], 1], x.dtype))


@keras.saving.register_keras_serializable(package="cfexp")
class RowDots(keras.layers.Layer):
    """The dot products of the rows of two matrices."""

    in_weights: ClassVar[tuple[str, ...]] = ()

    def call(self, inputs: list[tf.Tensor]) -> tf.Tensor:
        """Takes vectors, shape ``(batch, width)`` each; returns ``(batch, 1)``."""
        a, b = inputs
        return row_dots(a, b)

    def compute_output_spec(self, inputs: Any) -> keras.KerasTensor:
        """Returns the shape ``(batch, 1)``."""
        return per_row(inputs, 1)


@keras.saving.register_keras_serializable(package="cfexp")
class L2(keras.regularizers.Regularizer):
    """A penalty of the sum of squares of a matrix, as `keras.regularizers.L2`.

    Args:
        l2: Factor of the sum.
    """

    numbers: ClassVar[tuple[str, ...]] = ("l2",)

    def __init__(self, l2: float):
        self.l2 = l2

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """Returns the penalty of a matrix."""
        return self.l2 * square_sum(x)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that recreate the penalty."""
        return {"l2": self.l2}
