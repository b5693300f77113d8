"""Draws of a sampler, from a random stream of its own."""

import tensorflow as tf


class Randomness:
    """A stream of random numbers that nobody else draws from.

    Args:
        seed: Seed of the stream.
    """

    def __init__(self, seed: int):
        self._generator = tf.random.Generator.from_seed(seed, alg="philox")

    def normal(self, shape: object) -> tf.Tensor:
        """Returns standard normal numbers."""
        return self._generator.normal(shape)

    def uniform(self, shape: object) -> tf.Tensor:
        """Returns numbers from 0 to 1."""
        return self._generator.uniform(shape)

    def gamma(self, shape: tf.Tensor, rate: tf.Tensor) -> tf.Tensor:
        """Returns gamma distributed numbers, one for each `shape` and `rate`."""
        seed = self._generator.make_seeds()[:, 0]
        size = tf.broadcast_static_shape(shape.shape, rate.shape)
        draw = tf.random.stateless_gamma(tf.TensorShape(size), seed, alpha=shape)
        return draw / rate

    def wishart(self, inverse_scale: tf.Tensor, degrees: tf.Tensor) -> tf.Tensor:
        """Returns a Wishart distributed matrix, by the Bartlett decomposition.

        Args:
            inverse_scale: Inverse of the scale matrix, shape ``(d, d)``.
            degrees: Degrees of freedom, more than ``d - 1``.
        """
        size = inverse_scale.shape[0]
        chi_square = (degrees - tf.range(size, dtype=tf.float32)) / 2
        diagonal = tf.sqrt(2 * self.gamma(chi_square, tf.ones(size)))
        lower = tf.linalg.band_part(self.normal((size, size)), -1, 0)
        bartlett = tf.linalg.set_diag(lower, diagonal)
        # The scale is (L L')^-1, so that L'^-1 is a square root of it.
        root = tf.linalg.cholesky(inverse_scale)
        half = tf.linalg.triangular_solve(root, bartlett, adjoint=True)
        return tf.matmul(half, half, transpose_b=True)
