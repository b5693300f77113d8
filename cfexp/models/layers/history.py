"""Which other movies a user rated, or which users a movie, as a sum of vectors."""

from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf
from scipy.sparse import csr_matrix

from cfexp.data.encoding import Encoded


@keras.saving.register_keras_serializable(package="cfexp")
class HistorySum(keras.layers.Layer):
    """Sums a vector for each training rating of a user, or of a movie.

    ``|N|^-1/2 sum of y_j over the N ratings``; in training without the rating that is
    to be predicted, which the model would see otherwise.

    The sums are kept, not the ratings: a batch looks them up, and takes out of each the
    element that is its own. The vectors y do not change from batch to batch, so that
    both are exact. `cfexp.training.history_sums` adds up the gradients of many batches,
    then updates the vectors and computes all sums again: the cost of an epoch is linear
    in the number of ratings, however long the histories are.

    Args:
        of: ``user``: the movies that a user rated; ``item``: the users that rated one.
        size: Number of sums, number of vectors, and their width.
        initializer: Initialises the vectors.
        regularizer: Penalty of all vectors.
    """

    in_weights: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        *,
        of: str,
        size: tuple[int, int, int],
        initializer: Any,
        regularizer: Any = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.of, self.size = of, tuple(size)
        self.table_initializer = keras.initializers.get(initializer)
        self.regularizer = keras.regularizers.get(regularizer)

    def build(self, *shapes: Any) -> None:
        """Creates the vectors, the sums and the numbers of their elements."""
        rows, others, width = self.size
        self.table = self.add_weight(
            shape=(others, width), initializer=self.table_initializer, name="table"
        )
        fixed: dict[str, Any] = {"initializer": "zeros", "trainable": False}
        self.sums = self.add_weight(shape=(rows, width), name="sums", **fixed)
        self.number = self.add_weight(shape=(rows,), name="number", **fixed)

    def call(self, inputs: list[tf.Tensor], training: bool = False) -> tf.Tensor:
        """Takes indices of rows and of others, shape ``(batch,)`` each.

        Returns shape ``(batch, width)``.
        """
        row, other = inputs
        found, number = (tf.gather(x.value, row) for x in (self.sums, self.number))
        if training:
            # Row 0 is of unknown users or movies, which have no history.
            own = tf.cast(row > 0, found.dtype)
            number -= own
            found -= own[:, None] * tf.gather(self.table.value, other)
        return found * tf.math.rsqrt(tf.maximum(number, 1.0))[:, None]

    def penalty(self) -> tf.Tensor:
        """Returns the penalty of the trained weights."""
        return self.regularizer(self.table.value) if self.regularizer else 0.0

    def ratings_in(self, train: Encoded) -> csr_matrix:
        """Returns 1 for each training rating, shape ``(rows, others)``."""
        row, other = train.user, train.item
        if self.of == "item":
            row, other = other, row
        known = row > 0  # fine-tuning may bring ids that are new
        if not known.all():
            row, other = row[known], other[known]
        ones = np.ones(len(row), np.float32)
        return csr_matrix((ones, (row, other)), shape=self.size[:2])

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that recreate the layer, without its sums."""
        own = {
            "of": self.of,
            "size": self.size,
            "initializer": keras.initializers.serialize(self.table_initializer),
            "regularizer": keras.regularizers.serialize(self.regularizer),
        }
        return {**super().get_config(), **own}
