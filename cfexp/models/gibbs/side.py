"""The vectors of one side of the ratings: users, movies or sessions."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from cfexp.models.gibbs.degrees import grouped
from cfexp.models.gibbs.prior import FloatArray, Prior
from cfexp.models.gibbs.randomness import Randomness


@dataclass(frozen=True)
class Given:
    """The ratings that vectors are sampled from.

    Attributes:
        target: The ratings, and one more for the row that fills tables up.
        weight: Precision of each rating, 0 for that row; None: 1.
        own: Precision of the ratings of each user, which multiplies `weight`; None: 1.
    """

    target: tf.Tensor
    weight: tf.Tensor | None = None
    own: tf.Tensor | None = None

    def root_weight(self, rows: tf.Tensor) -> tf.Tensor:
        """Returns the root of the weight of some rows."""
        if self.weight is None:
            n_rows = self.target.shape[0] - 1
            return tf.cast(rows < n_rows, tf.float32)
        return tf.sqrt(tf.gather(self.weight, rows))


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
        self.rows = grouped(index, n, width + 2)
        factors = 0.1 * random.normal((n, width))
        self.vectors = tf.Variable(tf.concat([tf.zeros((n, 1)), factors], 1))
        self.prior = Prior(n, width + 1, tables)

    def of_rows(self, rows: tf.Tensor) -> tf.Tensor:
        """Returns the vectors of rows, shape ``(*rows.shape, 1 + width)``."""
        return tf.gather(self.vectors, tf.gather(self.index, rows))

    def sample(
        self, others: Sequence["Side"], given: Given, random: Randomness
    ) -> tf.Tensor:
        """Samples all vectors, given those of the other sides, then the prior.

        Users do not depend on each other, so that only the moments of one table of them
        are in memory at a time.

        Args:
            others: The other sides.
            given: The ratings and their precisions.
            random: Random stream.

        Returns:
            Each user's sum of weighted squared errors, shape ``(n,)``.
        """
        shape = (self.n, self.width + 1)
        toward = tf.broadcast_to(self.prior.means() @ self.prior.precision, shape)
        noise = random.normal((*shape, 1))[..., 0]
        drawn: list[tf.Tensor] = []
        squares: list[tf.Tensor] = []
        for table in self.rows.tables:
            # One after the other: all at once would need the memory of all.
            with tf.control_dependencies(drawn[-1:]):
                sums = moments(table.rows, others, given)
                if given.own is not None:
                    sums *= tf.gather(given.own, table.users)[:, None, None]
                toward_, noise_ = (tf.gather(x, table.users) for x in (toward, noise))
                drawn.append(draw(sums, self.prior.precision, toward_, noise_))
                squares.append(squared_errors(sums, drawn[-1]))
        self.vectors.assign(tf.gather(tf.concat(drawn, 0), self.rows.place))
        self.prior.sample(self.vectors, random)
        return tf.gather(tf.concat(squares, 0), self.rows.place)


def moments(rows: tf.Tensor, others: Sequence[Side], given: Given) -> tf.Tensor:
    """Returns each user's sums of ``[1, z, t]' [1, z, t]`` over their ratings.

    A rating is linear in the vector of one side, given those of the others: with the
    sum z of the others' factors, the user's bias and factors have to explain t, what
    the others leave of the rating.

    Args:
        rows: Positions of each user's rows, filled up, shape ``(users, width)``.
        others: The sides other than that of the users.
        given: The ratings and their weights.

    Returns:
        Shape ``(users, width + 2, width + 2)``.
    """
    z, rest = combined([other.of_rows(rows) for other in others])
    left = tf.gather(given.target, rows) - rest
    row = tf.concat([tf.ones_like(left)[..., None], z, left[..., None]], -1)
    row *= given.root_weight(rows)[..., None]
    return tf.matmul(row, row, transpose_a=True)


def draw(
    moments_: tf.Tensor, precision: tf.Tensor, toward: tf.Tensor, noise: tf.Tensor
) -> tf.Tensor:
    """Returns vectors drawn from their posterior, shape ``(users, size)``.

    Args:
        moments_: As from `moments`, weighted with the precision of each rating.
        precision: Precision of the prior, shape ``(size, size)``.
        toward: `precision` times the prior means, shape ``(users, size)``.
        noise: Standard normal numbers, shape ``(users, size)``.
    """
    size = precision.shape[0]
    root = tf.linalg.cholesky(moments_[:, :size, :size] + precision)
    half = tf.linalg.triangular_solve(
        root, (moments_[:, :size, size] + toward)[..., None]
    )
    half += noise[..., None]
    return tf.linalg.triangular_solve(root, half, adjoint=True)[..., 0]


def squared_errors(moments_: tf.Tensor, vectors: tf.Tensor) -> tf.Tensor:
    """Returns each user's sum of weighted squared errors.

    Args:
        moments_: As from `moments`.
        vectors: The users' vectors.
    """
    error = tf.concat([-vectors, tf.ones_like(vectors[:, :1])], 1)
    squares = tf.einsum("ni,nij,nj->n", error, moments_, error)
    return tf.maximum(squares, 0.0)


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
