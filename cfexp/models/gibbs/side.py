"""The vectors of one side of the ratings: users, movies or sessions."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from cfexp.models.gibbs.degrees import grouped
from cfexp.models.gibbs.prior import FloatArray, Prior
from cfexp.models.gibbs.randomness import Randomness


class Side(tf.Module):
    """The users (or movies, or sessions) of the ratings and their vectors.

    A vector is a bias, then `width` factors.

    Args:
        index: User of each rating, shape ``(n_rows,)``.
        n: Number of users.
        width: Number of factors.
        tables: Features of each user, by group, shape ``(n, features)`` each.
        random: Random stream of the first vectors.
    """

    def __init__(
        self,
        index: npt.NDArray[np.int32],
        n: int,
        width: int,
        tables: Sequence[FloatArray],
        random: Randomness,
    ):
        super().__init__()
        self.n, self.width = n, width
        # One more: the row that fills the tables up.
        self.index = tf.constant(np.append(index, 0), tf.int32)
        self.rows = grouped(index, n)
        factors = 0.1 * random.normal((n, width))
        self.vectors = tf.Variable(tf.concat([tf.zeros((n, 1)), factors], 1))
        self.prior = Prior(n, width + 1, tables)

    def of_rows(self, rows: tf.Tensor) -> tf.Tensor:
        """Returns the vectors of rows, shape ``(*rows.shape, 1 + width)``."""
        return tf.gather(self.vectors, tf.gather(self.index, rows))

    def sample(self, moments: tf.Tensor, random: Randomness) -> None:
        """Samples all vectors, given the moments of their ratings, and the prior.

        Args:
            moments: As from `moments`, weighted with the precision of each rating.
            random: Random stream.
        """
        size = self.width + 1
        precision = moments[:, :size, :size] + self.prior.precision
        toward = self.prior.means() @ self.prior.precision
        root = tf.linalg.cholesky(precision)
        half = tf.linalg.triangular_solve(
            root, (moments[:, :size, size] + toward)[..., None]
        )
        half += random.normal((self.n, size, 1))
        drawn = tf.linalg.triangular_solve(root, half, adjoint=True)
        self.vectors.assign(drawn[..., 0])
        self.prior.sample(self.vectors, random)


def moments(
    side: Side, others: Sequence[Side], target: tf.Tensor, weight: tf.Tensor | None
) -> tf.Tensor:
    """Returns each user's sums of ``[1, z, t]' [1, z, t]`` over their ratings.

    A rating is linear in the vector of one side, given those of the others: with the
    sum z of the others' factors, the user's bias and factors have to explain t, what
    the others leave of the rating.

    Args:
        side: The users.
        others: The other sides.
        target: The ratings, and one more for the row that fills tables up.
        weight: Weight of each rating, 0 for that row; None: the same for all.

    Returns:
        Shape ``(n, width + 2, width + 2)``.
    """
    if weight is None:
        weight = tf.concat([tf.ones(side.rows.n_rows), [0.0]], 0)
    found: list[tf.Tensor] = []
    for rows in side.rows.tables:
        # One after the other: all at once would need the memory of all.
        with tf.control_dependencies(found[-1:]):
            vectors = [other.of_rows(rows) for other in others]
            z, rest = combined(vectors)
            left = tf.gather(target, rows) - rest
            row = tf.concat([tf.ones_like(left)[..., None], z, left[..., None]], -1)
            row *= tf.sqrt(tf.gather(weight, rows))[..., None]
            found.append(tf.matmul(row, row, transpose_a=True))
    return tf.gather(tf.concat(found, 0), side.rows.place)


def combined(vectors: Sequence[tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the sum of factors, and the rating that the sides make without others.

    That is the sum of their biases and of the products of each pair of them (Rendle,
    2010, Factorization Machines, lemma 3.1).

    Args:
        vectors: Vectors of some sides, shape ``(..., 1 + width)`` each.

    Returns:
        Shapes ``(..., width)`` and ``(...)``.
    """
    total = tf.add_n(list(vectors))
    z, rating = total[..., 1:], total[..., 0]
    if len(vectors) > 1:
        squares = tf.add_n([tf.reduce_sum(v[..., 1:] ** 2, -1) for v in vectors])
        rating += (tf.reduce_sum(z**2, -1) - squares) / 2
    return z, rating
