"""The last layer of every model: adds the mean rating, and clips to the scale."""

from typing import Any, ClassVar

import keras
import tensorflow as tf

from cfexp.models.layers.shapes import SameShape


@keras.saving.register_keras_serializable(package="cfexp")
class RatingHead(SameShape, keras.layers.Layer):
    """Adds the mean rating; clips to the rating scale, except in training.

    Clipping would stop the gradient in training. The mean is a weight, not a constant,
    so that folds share their compiled program.

    Args:
        mean_rating: Mean rating of the training rows, in stars.
        scale: Lowest and highest rating.
    """

    in_weights: ClassVar[tuple[str, ...]] = ("mean_rating",)

    def __init__(self, mean_rating: float, scale: tuple[float, float], **kwargs: Any):
        super().__init__(**kwargs)
        self.mean_rating = mean_rating
        self.scale = tuple(scale)

    def build(self, shape: Any) -> None:
        """Creates the mean."""
        self.mean = self.add_weight(
            shape=(),
            initializer=keras.initializers.Constant(self.mean_rating),
            trainable=False,
            name="mean",
        )

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Takes offsets from the mean, ``(batch, 1)``; returns ratings."""
        rating = inputs + self.mean
        return rating if training else tf.clip_by_value(rating, *self.scale)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that recreate the layer."""
        own = {"mean_rating": self.mean_rating, "scale": self.scale}
        return {**super().get_config(), **own}
