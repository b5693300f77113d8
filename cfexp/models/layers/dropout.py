"""Dropout of elements and ids that is fast inside an XLA program.

Masks come from a counter and an integer hash instead of Keras' random ops, which take
longer than the rest of the step inside an XLA:CPU program.
"""

from typing import Any, ClassVar

import keras
import tensorflow as tf

from cfexp.models.layers.seeds import mask_seed
from cfexp.models.layers.shapes import SameShape

UINT32 = float(2**32)
LARGEST = float(2**32 - 2**8)  # below it, in 32 bits


@keras.saving.register_keras_serializable(package="cfexp")
class HashRandom(keras.layers.Layer):
    """Base class of layers that draw a new random mask at each call.

    Args:
        rate: Probability that an element is dropped, in [0, 1).
        seed: Seed of the masks. None: drawn, see `cfexp.models.layers.seeds`.
    """

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        if not 0 <= rate < 1:
            raise ValueError(f"`rate` must be in [0, 1). Received: rate={rate}")
        self.rate = rate
        self.seed = mask_seed() if seed is None else seed

    def build(self, *shapes: Any) -> None:
        """Creates the counter of training calls and the seed.

        The seed is a weight, not a constant, so that runs that differ only in the seed
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
        the element's position, the seed and the number of calls so far.
        """
        self.calls.assign_add(1)
        start = tf.cast(self.calls.value, tf.uint32) * tf.constant(
            0x9E3779B9, tf.uint32
        )
        start = _mix(start ^ tf.cast(self.salt.value, tf.uint32)) + _replica()
        position = tf.cast(tf.range(tf.reduce_prod(shape)), tf.uint32)
        bits = _mix(position + start)
        threshold = tf.cast(self.rate, tf.float32) * UINT32
        threshold = tf.cast(tf.minimum(threshold, LARGEST), tf.uint32)
        return tf.reshape(bits < threshold, shape)

    def drops(self, training: bool) -> bool:
        """Returns whether elements are dropped in this call."""
        # As a tensor, which a program reads, the rate is never 0.
        return training and (tf.is_tensor(self.rate) or self.rate > 0)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that recreate the layer."""
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}


def _replica() -> tf.Tensor:
    """Returns a number for this replica of `tf.distribute`, 0 for the first."""
    context = tf.distribute.get_replica_context()
    replica = context.replica_id_in_sync_group if context else 0
    return tf.cast(replica, tf.uint32) * tf.constant(0x85EBCA6B, tf.uint32)


def _mix(x: tf.Tensor) -> tf.Tensor:
    x = (x ^ tf.bitwise.right_shift(x, 16)) * tf.constant(0x7FEB352D, tf.uint32)
    x = (x ^ tf.bitwise.right_shift(x, 15)) * tf.constant(0x846CA68B, tf.uint32)
    return x ^ tf.bitwise.right_shift(x, 16)


@keras.saving.register_keras_serializable(package="cfexp")
class Dropout(SameShape, HashRandom):
    """Inverted dropout (Srivastava et al., 2014, sec. 10) with a cheap mask."""

    in_weights: ClassVar[tuple[str, ...]] = ("seed",)
    numbers: ClassVar[tuple[str, ...]] = ("rate",)

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Zeroes elements and scales the others by ``1 / (1 - rate)``."""
        if not self.drops(training):
            return inputs
        kept = tf.where(self.dropped(tf.shape(inputs)), 0.0, inputs)
        return kept / (1 - self.rate)


@keras.saving.register_keras_serializable(package="cfexp")
class IdDropout(SameShape, HashRandom):
    """Replaces a share of ids by 0, unknown, so that row 0 is trained too."""

    in_weights: ClassVar[tuple[str, ...]] = ("seed",)
    numbers: ClassVar[tuple[str, ...]] = ("rate",)

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Takes and returns indices, shape ``(batch,)``."""
        if not self.drops(training):
            return inputs
        return tf.where(self.dropped(tf.shape(inputs)), 0, inputs)
