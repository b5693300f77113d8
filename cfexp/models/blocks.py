"""Keras building blocks that the model families share.

Dropout draws its mask from a counter and an integer hash, not from Keras' random
ops: inside an XLA:CPU program those take longer than the rest of the step.
"""

import random
from typing import Any

import keras
import tensorflow as tf

from cfexp.features import FeatureSpec

UINT32 = float(2**32)


@keras.saving.register_keras_serializable(package="cfexp")
class HashRandom(keras.layers.Layer):
    """Base of layers that need a cheap random mask, another one at each call.

    Args:
        rate: Probability that an element is dropped, in [0, 1).
        seed: Seed of the masks; drawn from `random`, which
            `keras.utils.set_random_seed` seeds, where None.
    """

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        if not 0 <= rate < 1:
            raise ValueError(f"`rate` must be in [0, 1). Received: rate={rate}")
        self.rate = rate
        self.seed = random.getrandbits(31) if seed is None else seed

    def build(self, *shapes: Any) -> None:
        """Creates the counter of training calls, and holds the seed.

        The seed is a weight, not a constant, so that runs which differ by seed only
        share their compiled program.
        """
        scalar: dict[str, Any] = {"shape": (), "dtype": "int32", "trainable": False}
        scalar["aggregation"] = "only_first_replica"
        self.calls = self.add_weight(initializer="zeros", name="calls", **scalar)
        seed = keras.initializers.Constant(self.seed)
        self.salt = self.add_weight(initializer=seed, name="salt", **scalar)

    def dropped(self, shape: tf.Tensor) -> tf.Tensor:
        """Returns a boolean mask of `shape`, true with probability `rate`.

        The hash is "lowbias32" (C. Wellons, Prospecting for Hash Functions, 2018) of
        the element's position, started from the seed and the number of calls so far.
        """
        self.calls.assign_add(1)
        start = tf.cast(self.calls.value, tf.uint32) * tf.constant(
            0x9E3779B9, tf.uint32
        )
        start = _mix(start ^ tf.cast(self.salt.value, tf.uint32)) + _replica()
        position = tf.cast(tf.range(tf.reduce_prod(shape)), tf.uint32)
        bits = _mix(position + start)
        threshold = tf.constant(int(self.rate * UINT32), tf.uint32)
        return tf.reshape(bits < threshold, shape)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that recreate the layer."""
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}


def _replica() -> tf.Tensor:
    """Returns which replica of `tf.distribute` this is, 0 where there is one."""
    context = tf.distribute.get_replica_context()
    replica = context.replica_id_in_sync_group if context else 0
    return tf.cast(replica, tf.uint32) * tf.constant(0x85EBCA6B, tf.uint32)


def _mix(x: tf.Tensor) -> tf.Tensor:
    x = (x ^ tf.bitwise.right_shift(x, 16)) * tf.constant(0x7FEB352D, tf.uint32)
    x = (x ^ tf.bitwise.right_shift(x, 15)) * tf.constant(0x846CA68B, tf.uint32)
    return x ^ tf.bitwise.right_shift(x, 16)


@keras.saving.register_keras_serializable(package="cfexp")
class Dropout(HashRandom):
    """Inverted dropout (Srivastava et al., 2014) with a cheap mask."""

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Zeroes elements and scales the others by ``1 / (1 - rate)``."""
        if not training or self.rate == 0:
            return inputs
        kept = tf.where(self.dropped(tf.shape(inputs)), 0.0, inputs)
        return kept / (1 - self.rate)


@keras.saving.register_keras_serializable(package="cfexp")
class IdDropout(HashRandom):
    """Replaces ids by 0, unknown, now and then: so that row 0 is trained."""

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Takes and returns indices, shape ``(batch,)``."""
        if not training or self.rate == 0:
            return inputs
        return tf.where(self.dropped(tf.shape(inputs)), 0, inputs)


@keras.saving.register_keras_serializable(package="cfexp")
class GenreDropout(HashRandom):
    """Replaces a row's genres by genre 0, unknown, now and then."""

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Takes and returns 0s and 1s, shape ``(batch, n_genres)``."""
        if not training or self.rate == 0:
            return inputs
        unknown = tf.one_hot(0, inputs.shape[-1], dtype=inputs.dtype)
        dropped = self.dropped(tf.shape(inputs)[:1])
        return tf.where(dropped[:, None], unknown, inputs)


@keras.saving.register_keras_serializable(package="cfexp")
class GenreMean(keras.layers.Layer):
    """Divides a row of 0s and 1s by its sum, shape ``(batch, n_genres)``."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Returns weights that sum to 1 in each row."""
        return tf.math.divide_no_nan(
            inputs, tf.reduce_sum(inputs, axis=-1, keepdims=True)
        )


@keras.saving.register_keras_serializable(package="cfexp")
class PairwiseProducts(keras.layers.Layer):
    """Adds up the dot products of all pairs of vectors (Rendle, 2010, lemma 3.1)."""

    def call(self, inputs: list[tf.Tensor]) -> tf.Tensor:
        """Takes vectors, shape ``(batch, width)`` each; returns ``(batch, 1)``."""
        squares = tf.add_n([tf.square(vector) for vector in inputs])
        both = tf.square(tf.add_n(inputs)) - squares
        return 0.5 * tf.reduce_sum(both, axis=-1, keepdims=True)


@keras.saving.register_keras_serializable(package="cfexp")
class RatingHead(keras.layers.Layer):
    """Adds the mean rating; outside training, also clips to the rating scale.

    Training sees the unclipped value: clipping would stop its gradient. The mean is a
    weight, not a constant, so that folds share their compiled program.
    """

    def __init__(self, mean_rating: float, scale: tuple[float, float], **kwargs: Any):
        super().__init__(**kwargs)
        self.mean_rating = mean_rating
        self.scale = tuple(scale)

    def build(self, shape: Any) -> None:
        """Holds the mean."""
        self.mean = self.add_weight(
            shape=(),
            initializer=keras.initializers.Constant(self.mean_rating),
            trainable=False,
            name="mean",
        )

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Takes offsets from the mean, shape ``(batch, 1)``; returns ratings."""
        rating = inputs + self.mean
        return rating if training else tf.clip_by_value(rating, *self.scale)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that recreate the layer."""
        own = {"mean_rating": self.mean_rating, "scale": self.scale}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="cfexp")
class Padded(keras.initializers.Initializer):
    """Initialises the first rows of a table, and leaves the others 0.

    Args:
        rows: Number of rows.
        stddev: Standard deviation of their normal distribution.
        seed: Drawn from `random`, which `keras.utils.set_random_seed` seeds, if None.
    """

    def __init__(self, rows: int, stddev: float, seed: int | None = None):
        self.rows = rows
        self.stddev = stddev
        self.inner = keras.initializers.RandomNormal(stddev=stddev, seed=seed)

    def __call__(self, shape: Any, dtype: Any = None) -> tf.Tensor:
        """Returns a table of `shape`."""
        own = self.inner((self.rows, *shape[1:]), dtype=dtype)
        return tf.pad(own, [[0, shape[0] - self.rows], [0, 0]])

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that recreate it."""
        seed = self.inner.get_config()["seed"]
        return {"rows": self.rows, "stddev": self.stddev, "seed": seed}


class Inputs:
    """The inputs of a model, with ids and genres dropped out in training.

    Attributes:
        user: User indices, shape ``(batch,)``.
        item: Movie indices, shape ``(batch,)``.
        genres: 0s and 1s, shape ``(batch, n_genres)``.
    """

    def __init__(self, features: FeatureSpec, *, id_dropout: float):
        self.features = features
        self.by_name = {
            "user": keras.Input((), dtype="int32", name="user"),
            "item": keras.Input((), dtype="int32", name="item"),
        }
        self.user = IdDropout(id_dropout, name="user_dropout")(self.by_name["user"])
        self.item = IdDropout(id_dropout, name="item_dropout")(self.by_name["item"])
        self._id_dropout = id_dropout

    def with_genres(self) -> keras.KerasTensor:
        """Adds the input ``genres`` and returns it after dropout."""
        genres = keras.Input((self.features.n_genres,), name="genres")
        self.by_name["genres"] = genres
        return GenreDropout(self._id_dropout, name="genre_dropout")(genres)

    def embed(
        self, name: str, width: int, *, l2: float, stddev: float = 0.05
    ) -> tuple[keras.KerasTensor, keras.KerasTensor]:
        """Returns the users' and movies' embeddings, shape ``(batch, width)`` each.

        `l2` weighs the squared rows that a batch looks up, so that a row is
        penalised as often as it is used (Funk, 2006).
        """
        features = self.features
        return tuple(
            keras.layers.Embedding(
                rows,
                width,
                embeddings_initializer=Padded(known, stddev),
                activity_regularizer=keras.regularizers.L2(l2) if l2 else None,
                name=f"{kind}_{name}",
            )(ids)
            for kind, known, rows, ids in (
                ("user", features.n_users, features.user_rows, self.user),
                ("item", features.n_items, features.item_rows, self.item),
            )
        )

    def model(
        self, offsets: list[keras.KerasTensor], *, bias_l2: float, name: str
    ) -> keras.Model:
        """Returns the model ``mean + user bias + item bias + sum of offsets``."""
        biases = self.embed("bias", 1, l2=bias_l2, stddev=0.0)
        total = keras.layers.Add(name="sum")([*biases, *offsets])
        head = RatingHead(self.features.mean_rating, self.features.scale, name="rating")
        return keras.Model(self.by_name, head(total), name=name)


def weighted_sum(
    x: keras.KerasTensor,
    width: int,
    *,
    name: str,
    **penalty: keras.regularizers.Regularizer,
) -> keras.KerasTensor:
    """Returns the embeddings of a row's elements, summed with their weights `x`.

    Args:
        x: Weights, shape ``(batch, n_elements)``.
        width: Width of the embeddings.
        name: Name of the layer.
        penalty: Regularizers of `keras.layers.Dense`, by argument.
    """
    return keras.layers.Dense(
        width,
        use_bias=False,
        kernel_initializer=keras.initializers.RandomNormal(stddev=0.05),
        name=name,
        **penalty,
    )(x)


def mlp(
    x: keras.KerasTensor, layers: list[int], *, dropout: float, l2: float
) -> keras.KerasTensor:
    """Returns `x` after ReLU layers of the given widths, each followed by dropout."""
    for i, width in enumerate(layers, start=1):
        x = keras.layers.Dense(
            width,
            activation="relu",
            kernel_initializer="he_normal",
            kernel_regularizer=keras.regularizers.L2(l2) if l2 else None,
            name=f"dense_{i}",
        )(x)
        x = Dropout(dropout, name=f"dropout_{i}")(x)
    return x
