"""A last layer of models whose ratings are ordered levels, with its loss."""

from collections.abc import Sequence
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf


@keras.saving.register_keras_serializable(package="cfexp")
class OrdinalHead(keras.layers.Layer):
    """Turns a latent rating into the mean of a distribution over levels.

    Cumulative logits (McCullagh, 1980, Regression Models for Ordinal Data; for ratings
    Koren and Sill, 2011, OrdRec, eq. 8): ``P(rating > level k) = sigmoid(s - c_k)``
    with ordered, learned cutpoints c. In training the layer returns the latent rating
    s, which `loss` takes.

    Args:
        levels: The ratings that can be given, in order.
        shares: Share of each level among the training ratings: at first, what the
            layer predicts for ``s = 0``.
    """

    in_weights: ClassVar[tuple[str, ...]] = ("shares",)

    def __init__(self, levels: Sequence[float], shares: Sequence[float], **kwargs: Any):
        super().__init__(**kwargs)
        self.levels = tuple(float(level) for level in levels)
        self.shares = tuple(float(share) for share in shares)

    def build(self, shape: Any) -> None:
        """Creates the first cutpoint, and the steps to the next ones."""
        below = np.cumsum(self.shares)[:-1].clip(1e-6, 1 - 1e-6)
        start = np.log(below / (1 - below))
        steps = np.diff(start).clip(1e-3)
        self.first = self._weight("first", start[:1])
        # Softplus of these: cutpoints stay in order.
        self.steps = self._weight("steps", steps + np.log(-np.expm1(-steps)))

    def _weight(self, name: str, start: np.ndarray) -> keras.Variable:
        weight = self.add_weight(shape=start.shape, initializer="zeros", name=name)
        weight.assign(start)
        return weight

    def cutpoints(self) -> tf.Tensor:
        """Returns the cutpoints between the levels, shape ``(levels - 1,)``."""
        steps = tf.cumsum(tf.nn.softplus(self.steps.value))
        return tf.concat([self.first.value, self.first.value + steps], 0)

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Takes latent ratings ``(batch, 1)``; returns ratings, or them in training."""
        return inputs if training else self.mean(inputs)

    def mean(self, latent: tf.Tensor) -> tf.Tensor:
        """Returns the mean ratings, shape ``(batch, 1)``."""
        above = tf.sigmoid(latent - self.cutpoints())
        sizes = tf.constant(np.diff(self.levels), above.dtype)
        return self.levels[0] + tf.reduce_sum(above * sizes, -1, keepdims=True)

    def loss(self, rating: tf.Tensor, latent: tf.Tensor) -> tf.Tensor:
        """Returns the negative log likelihood of each rating, shape ``(batch,)``.

        Args:
            rating: The ratings, shape ``(batch,)`` or ``(batch, 1)``; between two
                levels, the upper one counts.
            latent: The latent ratings, shape ``(batch, 1)``.
        """
        # P(level) = sigmoid(upper) - sigmoid(lower), without a difference of two
        # numbers near 1: sigmoid(upper) sigmoid(-lower) (1 - exp(lower - upper)).
        between = tf.constant(np.array(self.levels[:-1]), latent.dtype)
        level = tf.reduce_sum(
            tf.cast(tf.reshape(rating, (-1, 1)) > between, tf.int32), -1
        )
        ends = tf.concat([[-1e3], self.cutpoints(), [1e3]], 0)
        score = tf.squeeze(latent, -1)
        lower, upper = (
            tf.gather(ends, level) - score,
            tf.gather(ends, level + 1) - score,
        )
        gap = tf.math.log(-tf.math.expm1(tf.maximum(lower - upper, -50.0)))
        each = tf.math.log_sigmoid(upper) + tf.math.log_sigmoid(-lower) + gap
        return -each

    def mse(self, rating: tf.Tensor, latent: tf.Tensor) -> tf.Tensor:
        """Returns the squared errors of the mean ratings; arguments as for `loss`."""
        return tf.square(tf.reshape(rating, (-1, 1)) - self.mean(latent))

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that recreate the layer."""
        own = {"levels": self.levels, "shares": self.shares}
        return {**super().get_config(), **own}


def ordinal_head(model: keras.Model) -> OrdinalHead | None:
    """Returns the ordinal head of a model, if it has one."""
    last = model.layers[-1]
    return last if isinstance(last, OrdinalHead) else None
