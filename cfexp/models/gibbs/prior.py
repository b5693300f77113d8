"""The prior of the vectors of users (or movies), learned with them."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from threadpoolctl import threadpool_limits

from cfexp.models.gibbs.randomness import Randomness

FloatArray = npt.NDArray[np.float32]
# Weight of the prior mean 0, as a number of users (Salakhutdinov and Mnih: beta_0).
MEAN_WEIGHT = 2.0


class Coefficients(tf.Module):
    """Coefficients of a group of features, with a precision of their own.

    The vectors' prior mean is a linear function of features (Simm et al., 2017, Macau,
    eq. 4). The eigenvectors of ``X X'`` or ``X' X`` are found once; then each sample of
    the ridge regression costs two products with them.

    Args:
        table: Features of each user, shape ``(n, width)``.
        size: Length of the users' vectors.
    """

    def __init__(self, table: FloatArray, size: int):
        super().__init__()
        wide = table.shape[1] > table.shape[0]
        gram = table @ table.T if wide else table.T @ table
        # Two threads of BLAS wait for each other so often that on a busy machine they
        # take ten times as long as one.
        with threadpool_limits(1):
            values, vectors = np.linalg.eigh(gram)
        kept = values > 1e-5 * max(float(values[-1]), 1e-9)
        values, vectors = values[kept], vectors[:, kept]
        if wide:
            vectors = table.T @ vectors / np.sqrt(values)
        self.table = tf.constant(table)
        self._values = tf.constant(values, tf.float32)
        self._vectors = tf.constant(vectors, tf.float32)
        self.value = tf.Variable(tf.zeros((table.shape[1], size)))
        self.precision = tf.Variable(2 * float(len(table)) ** 0.5)

    def effect(self) -> tf.Tensor:
        """Returns the share of the features in the prior means, ``(n, size)``."""
        return self.table @ self.value

    def sample(
        self, target: tf.Tensor, precision: tf.Tensor, random: Randomness
    ) -> None:
        """Samples the coefficients, then their precision.

        Args:
            target: What they have to explain, shape ``(n, size)``.
            precision: Precision of the users' vectors, shape ``(size, size)``.
            random: Random stream.
        """
        width, size = self.value.shape
        root = tf.linalg.cholesky(precision)

        def noise() -> tf.Tensor:
            draw = random.normal((size, width))
            return tf.transpose(tf.linalg.triangular_solve(root, draw, adjoint=True))

        # Where the features say nothing, the coefficients follow their prior.
        free = noise() / tf.sqrt(self.precision)
        seen = tf.matmul(self._vectors, free, transpose_a=True)
        ridge = (self._values + self.precision)[:, None]
        moment = tf.matmul(self.table, target, transpose_a=True)
        moment = tf.matmul(self._vectors, moment, transpose_a=True)
        drawn = moment / ridge + seen * tf.sqrt(self.precision / ridge)
        self.value.assign(free + self._vectors @ (drawn - seen))
        spread = tf.reduce_sum((self.value @ precision) * self.value)
        n_values = float(width * size)
        self.precision.assign(
            random.gamma(tf.constant(1 + n_values / 2), 1 + spread / 2)
        )


class Prior(tf.Module):
    """Normal-Wishart prior of vectors (Salakhutdinov and Mnih, 2008, BPMF, eq. 14).

    Args:
        n: Number of users.
        size: Length of a vector.
        tables: Features of each user, by group, shape ``(n, width)`` each.
    """

    def __init__(self, n: int, size: int, tables: Sequence[FloatArray]):
        super().__init__()
        self.mean = tf.Variable(tf.zeros(size))
        self.precision = tf.Variable(10 * tf.eye(size))
        self.coefficients = [Coefficients(table, size) for table in tables]
        self._n = n

    def means(self) -> tf.Tensor:
        """Returns each user's prior mean, shape ``(n, size)`` or ``(1, size)``."""
        return self.mean[None] + self._explained()

    def _explained(self) -> tf.Tensor:
        zero = tf.zeros((1, self.mean.shape[0]))
        return sum((group.effect() for group in self.coefficients), zero)

    def sample(self, vectors: tf.Tensor, random: Randomness) -> None:
        """Samples precision, mean and coefficients, given the users' vectors."""
        size, n = self.mean.shape[0], float(self._n)
        left = vectors - self._explained()
        mean = tf.reduce_mean(left, 0)
        centred = left - mean
        inverse = tf.eye(size) + tf.matmul(centred, centred, transpose_a=True)
        inverse += MEAN_WEIGHT * n / (MEAN_WEIGHT + n) * mean[:, None] * mean[None]
        degrees = size + n
        for group in self.coefficients:
            square = tf.matmul(group.value, group.value, transpose_a=True)
            inverse += group.precision * square
            degrees += float(group.value.shape[0])
        self.precision.assign(random.wishart(inverse, tf.constant(degrees)))
        root = tf.linalg.cholesky(self.precision)
        draw = tf.linalg.triangular_solve(root, random.normal((size, 1)), adjoint=True)
        shrunk = n * mean / (MEAN_WEIGHT + n)
        self.mean.assign(shrunk + draw[:, 0] / (MEAN_WEIGHT + n) ** 0.5)
        left -= self.mean[None]
        for group in self.coefficients:
            target = left + group.effect()
            group.sample(target, self.precision, random)
            left = target - group.effect()
