"""The precision of ratings: one for all, or one for each user."""

import tensorflow as tf

from cfexp.models.gibbs.randomness import Randomness

# Weight of the common precision in a user's, as a number of ratings.
COMMON_WEIGHT = 10.0


class Noise(tf.Module):
    """The precision of the ratings of each user, ``common * own``.

    Some users rate with care, others at random (Lakshminarayanan et al., 2011, Robust
    Bayesian Matrix Factorisation, sec. 3.2): ``own`` is gamma distributed with mean 1.

    Args:
        n_users: Number of users.
        by_user: Whether users differ.
        fixed: Whether the common precision is 1, as of latent ratings.
    """

    def __init__(self, n_users: int, *, by_user: bool, fixed: bool):
        super().__init__()
        self.common = tf.Variable(1.0)
        self.own = tf.Variable(tf.ones(n_users))
        self._by_user, self._fixed = by_user, fixed

    def of_users(self) -> tf.Tensor:
        """Returns each user's precision, shape ``(n_users,)``."""
        return self.common * self.own

    def sample(self, squares: tf.Tensor, count: tf.Tensor, random: Randomness) -> None:
        """Samples the precisions.

        Args:
            squares: Each user's sum of squared errors, shape ``(n_users,)``.
            count: Each user's number of ratings.
            random: Random stream.
        """
        if self._by_user:
            shape = (COMMON_WEIGHT + count) / 2
            rate = (COMMON_WEIGHT + self.common * squares) / 2
            self.own.assign(random.gamma(shape, rate))
        if not self._fixed:
            shape = 1 + tf.reduce_sum(count) / 2
            rate = 1 + tf.reduce_sum(self.own * squares) / 2
            self.common.assign(random.gamma(shape, rate))
