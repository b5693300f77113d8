"""Layers for features: dropout of values, and the embedding of several features."""

from collections.abc import Sequence
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf

from cfexp.models.layers.dropout import HashRandom
from cfexp.models.layers.padding import normal
from cfexp.models.layers.shapes import SameShape, per_row
from cfexp.models.layers.sums import square_sum


@keras.saving.register_keras_serializable(package="cfexp")
class FeatureDropout(SameShape, HashRandom):
    """Replaces a feature of a share of rows by value 0, unknown, to train it too."""

    in_weights: ClassVar[tuple[str, ...]] = ("seed",)
    numbers: ClassVar[tuple[str, ...]] = ("rate",)

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Takes and returns values, filled up with -1, shape ``(batch, most)``."""
        if not self.drops(training):
            return inputs
        unknown = tf.one_hot(0, tf.shape(inputs)[1], on_value=0, off_value=-1)
        dropped = self.dropped(tf.shape(inputs)[:1])
        return tf.where(dropped[:, None], unknown, inputs)


@keras.saving.register_keras_serializable(package="cfexp")
class FeatureEmbedding(keras.layers.Layer):
    """The sum over features of the mean embedding of their values.

    As in LightFM (Kula, 2015, sec. 3.1) and factorisation machines (Rendle, 2010), in
    which a user (movie) is the sum of its features, the id being one of them.

    Args:
        sizes: Number of rows of each feature's table.
        width: Width of the embeddings.
        l2: Penalty of the squared rows that a batch looks up.
        stddev: Standard deviation of the initial values.
    """

    in_weights: ClassVar[tuple[str, ...]] = ()
    numbers: ClassVar[tuple[str, ...]] = ("l2",)

    def __init__(
        self,
        sizes: Sequence[int],
        width: int,
        *,
        l2: float = 0.0,
        stddev: float = 0.05,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.sizes = tuple(sizes)
        self.width = width
        self.l2 = l2
        self.stddev = stddev

    def build(self, *shapes: Any) -> None:
        """Creates one table, with the rows of one feature after those of another."""
        self.table = self.add_weight(
            shape=(sum(self.sizes), self.width),
            initializer=normal(self.stddev),
            name="table",
        )

    def call(self, inputs: list[tf.Tensor]) -> tf.Tensor:
        """Takes each feature's values, shape ``(batch, most)``, filled up with -1.

        Returns shape ``(batch, width)``.
        """
        rows, weights = [], []
        starts = np.cumsum([0, *self.sizes])
        for values, start in zip(inputs, starts, strict=False):
            known = tf.cast(values >= 0, tf.float32)
            weights.append(known / tf.reduce_sum(known, axis=-1, keepdims=True))
            rows.append(tf.maximum(values, 0) + int(start))
        weight = tf.concat(weights, axis=-1)[..., None]
        vectors = tf.gather(self.table.value, tf.concat(rows, axis=-1))
        if tf.is_tensor(self.l2) or self.l2:
            rows = tf.reshape(tf.sqrt(weight) * vectors, [-1, self.width])
            penalty = self.l2 * square_sum(rows)
            self.add_loss(penalty / tf.cast(tf.shape(vectors)[0], tf.float32))
        return tf.reduce_sum(weight * vectors, axis=1)

    def compute_output_spec(self, inputs: Any, **_: Any) -> keras.KerasTensor:
        """Returns the shape ``(batch, width)``."""
        return per_row(inputs, self.width)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that recreate the layer."""
        own = {
            "sizes": self.sizes,
            "width": self.width,
            "l2": self.l2,
            "stddev": self.stddev,
        }
        return {**super().get_config(), **own}
