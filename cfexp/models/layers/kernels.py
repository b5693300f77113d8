"""Layers whose weights are multiplied by a kernel of learned positions."""

from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf

from cfexp.models.layers.padding import Padded
from cfexp.models.layers.row_sums import RowSum


def kernel(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    """Returns ``K_ij = max(0, 1 - |a_i - b_j|^2)``, shape ``(len(a), len(b))``."""
    squares = [tf.reduce_sum(tf.square(x), axis=-1) for x in (a, b)]
    product = tf.matmul(a, b, transpose_b=True)
    distance = squares[0][:, None] + squares[1][None] - 2.0 * product
    return tf.maximum(0.0, 1.0 - distance)


def nearby() -> keras.initializers.Initializer:
    """Returns an initializer of positions, with which no kernel starts at 0."""
    return keras.initializers.RandomNormal(stddev=0.001)


@keras.saving.register_keras_serializable(package="cfexp")
class KernelDense(keras.layers.Layer):
    """Dense layer ``x (W * K) + b`` with ``K_ij = max(0, 1 - |a_i - b_j|^2)``.

    Source: Muller, Martel and Indiveri, Kernelized Synaptic Weight Matrices, 2018.

    Args:
        units: Width of the output.
        kernel_dim: Dimensions of the positions a and b.
        l2: Penalty of ``W * K``.
        sparsity: Penalty of the mean of ``K^2``.
    """

    in_weights: ClassVar[tuple[str, ...]] = ()
    numbers: ClassVar[tuple[str, ...]] = ("l2", "sparsity")

    def __init__(
        self,
        units: int,
        kernel_dim: int,
        *,
        l2: float,
        sparsity: float,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.units = units
        self.kernel_dim = kernel_dim
        self.l2 = l2
        self.sparsity = sparsity

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Creates weights and positions."""
        inputs = int(shape[-1] or 0)
        starts = {
            "kernel": ((inputs, self.units), keras.initializers.GlorotUniform()),
            "bias": ((self.units,), "zeros"),
            "a": ((inputs, self.kernel_dim), nearby()),
            "b": ((self.units, self.kernel_dim), nearby()),
        }
        for name, (size, start) in starts.items():
            weight = self.add_weight(shape=size, initializer=start, name=name)
            setattr(self, name, weight)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Takes ``(batch, inputs)``; returns ``(batch, units)``."""
        near = kernel(self.a.value, self.b.value)
        weights = self.kernel.value * near
        self.add_loss(self.l2 * tf.reduce_sum(tf.square(weights)))
        self.add_loss(self.sparsity * tf.reduce_mean(tf.square(near)))
        return tf.matmul(inputs, weights) + self.bias.value

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that recreate the layer."""
        own = {
            "units": self.units,
            "kernel_dim": self.kernel_dim,
            "l2": self.l2,
            "sparsity": self.sparsity,
        }
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="cfexp")
class KernelRowSum(RowSum):
    """A `RowSum` of the vectors ``W * K``, the weights of a `KernelDense`.

    Args:
        kernel_dim: As in `KernelDense`.
        sparsity: Penalty of the mean of ``K^2``.
        how: Arguments of `RowSum`; `l2` is the penalty of ``W * K``.
    """

    in_weights: ClassVar[tuple[str, ...]] = ("seed",)
    numbers: ClassVar[tuple[str, ...]] = ("rate", "l2", "sparsity")

    def __init__(self, *, kernel_dim: int, sparsity: float, **how: Any):
        super().__init__(**how)
        self.kernel_dim, self.sparsity = kernel_dim, sparsity

    def build(self, *shapes: Any) -> None:
        """Creates the weights and the positions."""
        super().build(*shapes)
        _, others, width = self.size
        known = self.table_initializer.rows
        self.a_initializer = Padded(known, nearby())
        self.a = self.add_weight(
            shape=(others, self.kernel_dim), initializer=self.a_initializer, name="a"
        )
        self.b = self.add_weight(
            shape=(width, self.kernel_dim), initializer=nearby(), name="b"
        )
        fixed: dict[str, Any] = {"initializer": "zeros", "trainable": False}
        self.used = self.add_weight(shape=(others, 1), name="used", **fixed)
        used = np.repeat([1.0, 0.0], [known, others - known])
        self.used.assign(used[:, None] / (known * width))

    def vectors(self) -> tf.Tensor:
        """Returns ``W * K``."""
        return self.table.value * self._kernel()

    def penalty(self, vectors: tf.Tensor) -> tf.Tensor:
        """Returns the penalties of ``W * K`` and of K."""
        near = tf.reduce_sum(tf.square(self._kernel()) * self.used.value)
        return super().penalty(vectors) + self.sparsity * near

    def _kernel(self) -> tf.Tensor:
        return kernel(self.a.value, self.b.value)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that recreate the layer, without its sums."""
        own = {"kernel_dim": self.kernel_dim, "sparsity": self.sparsity}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="cfexp")
class KernelOutput(keras.layers.Layer):
    """One output unit of a `KernelDense`, with weights and position as inputs."""

    in_weights: ClassVar[tuple[str, ...]] = ()

    def build(self, shapes: list[tuple[int | None, ...]]) -> None:
        """Creates the positions of the inputs."""
        size = int(shapes[0][-1] or 0), int(shapes[2][-1] or 0)
        self.a = self.add_weight(shape=size, initializer=nearby(), name="a")

    def call(self, inputs: list[tf.Tensor]) -> tf.Tensor:
        """Takes hidden values, weights and positions; returns ``(batch, 1)``.

        Their shapes are ``(batch, units)`` twice, and ``(batch, kernel_dim)``.
        """
        x, weights, position = inputs
        near = kernel(position, self.a.value)
        return tf.reduce_sum(x * weights * near, axis=-1, keepdims=True)
