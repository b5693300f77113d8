"""The input of an autoencoder: rows of the rating matrix, as sums of vectors."""

from typing import Any, ClassVar

import keras
import tensorflow as tf
from scipy.sparse import csr_matrix

from cfexp.data.encoding import Encoded, FloatArray
from cfexp.models.layers.dropout import HashRandom


@keras.saving.register_keras_serializable(package="cfexp")
class RowSum(HashRandom):
    """Sums a vector for each training rating of a movie, or of a user: of a row.

    ``sum of w_j y_j over the row's ratings``, w being the ratings scaled to 1 to 5: the
    product of a row of the rating matrix, 0 where there is no rating, and a matrix of
    vectors (Sedhain et al., AutoRec, 2015, eq. 2).

    A batch in training holds all ratings of some rows, so that their sums are computed
    from the present vectors. For predictions they are kept, not the ratings:
    `cfexp.training.whole_rows` computes all of them after each epoch.

    Args:
        of: ``item``: a row is a movie; ``user``: a user.
        size: Number of rows, number of vectors, and their width.
        scale: Lowest and highest rating.
        initializer: Initialises the vectors.
        l2: Penalty of all vectors.
        kwargs: Arguments of `HashRandom`. `rate` is the share of the ratings that are
            left out of each sum in training, the others being scaled up (Vincent et
            al., Denoising Autoencoders, 2008).

    Attributes:
        slots: Rows in a batch, in training. Ratings of no row have this slot.
    """

    in_weights: ClassVar[tuple[str, ...]] = ("seed",)
    numbers: ClassVar[tuple[str, ...]] = ("rate", "l2")

    def __init__(
        self,
        *,
        of: str,
        size: tuple[int, int, int],
        scale: tuple[float, float],
        initializer: Any,
        l2: float,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.of, self.size, self.scale = of, tuple(size), tuple(scale)
        self.table_initializer = keras.initializers.get(initializer)
        self.l2 = l2
        self.slots = 0

    def build(self, *shapes: Any) -> None:
        """Creates the vectors, and the sums of all rows."""
        super().build(*shapes)
        rows, others, width = self.size
        self.table = self.add_weight(
            shape=(others, width), initializer=self.table_initializer, name="table"
        )
        self.sums = self.add_weight(
            shape=(rows, width), initializer="zeros", trainable=False, name="sums"
        )

    def call(self, inputs: list[tf.Tensor], training: bool = False) -> tf.Tensor:
        """Takes indices of rows and of others, ratings, and slots of rows in the batch.

        Each has the shape ``(batch,)``. Returns the sum of each slot and of the ratings
        of none, shape ``(slots + 1, width)``; except in training the kept sum of each
        row, shape ``(batch, width)``.
        """
        row, other, rating, slot = inputs
        if not training:
            return tf.gather(self.sums.value, row)
        vectors = self.vectors()
        self.add_loss(self.penalty(vectors))
        # Row 0 is of unknown users or movies, which have no ratings.
        weight = tf.where(row > 0, self.scaled(rating), 0.0)
        if self.drops(training):
            dropped = self.dropped(tf.shape(weight))
            weight = tf.where(dropped, 0.0, weight) / (1 - self.rate)
        each = weight[:, None] * tf.gather(vectors, other)
        return tf.math.unsorted_segment_sum(each, slot, self.slots + 1)

    def scaled(self, rating: Any) -> Any:
        """Returns ratings scaled to 1 to 5."""
        lowest, highest = self.scale
        return 1.0 + (rating - lowest) * (4.0 / (highest - lowest))

    def vectors(self) -> tf.Tensor:
        """Returns the vectors y, made of the trained weights."""
        return self.table.value

    def penalty(self, vectors: tf.Tensor) -> tf.Tensor:
        """Returns the penalty of the vectors."""
        return self.l2 * tf.reduce_sum(tf.square(vectors))

    def ratings_in(self, train: Encoded) -> csr_matrix:
        """Returns the weights w of training ratings, shape ``(rows, others)``."""
        row, other = train.user, train.item
        if self.of == "item":
            row, other = other, row
        weight: FloatArray = self.scaled(train.rating).astype("float32")
        known = row > 0  # fine-tuning may bring ids that are new
        if not known.all():
            row, other, weight = row[known], other[known], weight[known]
        return csr_matrix((weight, (row, other)), shape=self.size[:2])

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that recreate the layer, without its sums."""
        own = {
            "of": self.of,
            "size": self.size,
            "scale": self.scale,
            "initializer": keras.initializers.serialize(self.table_initializer),
            "l2": self.l2,
        }
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="cfexp")
class RowDropout(HashRandom):
    """Replaces a share of a batch's rows by 0, the sum of an unknown user or movie."""

    in_weights: ClassVar[tuple[str, ...]] = ("seed",)
    numbers: ClassVar[tuple[str, ...]] = ("rate",)

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Takes and returns shape ``(rows, width)``."""
        if not self.drops(training):
            return inputs
        return tf.where(self.dropped(tf.stack([tf.shape(inputs)[0], 1])), 0.0, inputs)


@keras.saving.register_keras_serializable(package="cfexp")
class PerRating(keras.layers.Layer):
    """Looks up what was computed for the row of each rating of a batch."""

    in_weights: ClassVar[tuple[str, ...]] = ()

    def call(self, inputs: list[tf.Tensor], training: bool = False) -> tf.Tensor:
        """Takes ``(slots + 1, width)`` and slots; returns ``(batch, width)``.

        Except in training there is one row for each rating already.
        """
        x, slot = inputs
        return tf.gather(x, slot) if training else x
