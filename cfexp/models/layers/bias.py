"""A learned vector that is added to each row of a hidden layer."""

from typing import ClassVar

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="cfexp")
class Bias(keras.layers.Layer):
    """Adds a learned vector to each row."""

    in_weights: ClassVar[tuple[str, ...]] = ()

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Creates the vector."""
        self.bias = self.add_weight(shape=shape[-1:], initializer="zeros", name="bias")

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Takes and returns shape ``(batch, width)``."""
        return inputs + self.bias.value
