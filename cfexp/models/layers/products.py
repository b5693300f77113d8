"""Products of pairs of vectors."""

from typing import Any, ClassVar

import keras
import tensorflow as tf

from cfexp.models.layers.shapes import per_row


@keras.saving.register_keras_serializable(package="cfexp")
class PairwiseProducts(keras.layers.Layer):
    """Sums the dot products of all pairs of vectors (Rendle, 2010, lemma 3.1)."""

    in_weights: ClassVar[tuple[str, ...]] = ()

    def call(self, inputs: list[tf.Tensor]) -> tf.Tensor:
        """Takes vectors, shape ``(batch, width)`` each; returns ``(batch, 1)``."""
        squares = tf.add_n([tf.square(vector) for vector in inputs])
        both = tf.square(tf.add_n(inputs)) - squares
        return 0.5 * tf.reduce_sum(both, axis=-1, keepdims=True)

    def compute_output_spec(self, inputs: Any) -> keras.KerasTensor:
        """Returns the shape ``(batch, 1)``."""
        return per_row(inputs, 1)
