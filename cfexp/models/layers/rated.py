"""The training ratings of a user or movie, as an input of models."""

from typing import Any, ClassVar

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from cfexp.data.encoding import Encoded
from cfexp.errors import ConfigError
from cfexp.models.layers.inputs import Inputs

MAX_PAIRS = 50_000_000


@keras.saving.register_keras_serializable(package="cfexp")
class TrainingRow(keras.layers.Layer):
    """Looks up a row of a fixed table, with the element to be predicted set to 0.

    Otherwise the model would see in training the very rating that it has to predict.

    Args:
        size: Rows and columns of the table.
        normalize: Divide a row by the square root of the sum of its elements.
        values: The table, shape `size`; None when a saved model is loaded.
    """

    in_weights: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        size: tuple[int, int],
        normalize: bool,
        values: npt.NDArray[np.float32] | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.size = tuple(size)
        self.normalize = normalize
        self._values = values

    def build(self, *shapes: Any) -> None:
        """Creates the table, which is saved with the model's weights."""
        self.table = self.add_weight(
            shape=self.size, initializer="zeros", trainable=False, name="table"
        )
        if self._values is not None:
            self.table.assign(self._values)
            self._values = None

    def call(self, inputs: list[tf.Tensor]) -> tf.Tensor:
        """Takes indices of rows and of columns to hide, shape ``(batch,)`` each.

        Returns shape ``(batch, columns)``.
        """
        row, hidden = inputs
        kept = tf.one_hot(hidden, self.size[1], on_value=0.0, off_value=1.0)
        found = tf.gather(self.table.value, row) * kept
        if not self.normalize:
            return found
        count = tf.reduce_sum(found, axis=-1, keepdims=True)
        return found * tf.math.rsqrt(tf.maximum(count, 1.0))

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that recreate the layer, without its table."""
        own = {"size": self.size, "normalize": self.normalize}
        return {**super().get_config(), **own}


def training_row(
    inputs: Inputs, train: Encoded, *, of: str, ratings: bool
) -> keras.KerasTensor:
    """Returns the training row of each user or movie, shape ``(batch, n_others)``.

    Args:
        inputs: The model's inputs.
        train: The training rows.
        of: ``user`` for a row over movies, ``item`` for one over users.
        ratings: True: ratings minus the mean, 0 if not rated. False: 1 if rated, else
            0, divided by the square root of the number of ratings.

    Raises:
        ConfigError: There are too many users and movies for a table of all pairs.
    """
    other = "item" if of == "user" else "user"
    size = inputs.table(of)[2], inputs.table(other)[2]
    if size[0] * size[1] > MAX_PAIRS:
        raise ConfigError(
            f"this model needs a table of all pairs, {size[0]:,} times {size[1]:,}, but"
            f" at most {MAX_PAIRS:,} are allowed. Use model=dot, ncf or deep for such"
            " data."
        )
    values = np.zeros(size, np.float32)
    shown = train.rating - inputs.features.mean_rating if ratings else 1.0
    values[getattr(train, of), getattr(train, other)] = shown
    layer = TrainingRow(size, not ratings, values, name=f"{of}_history")
    return layer([getattr(inputs, of), inputs.by_name[other]])
