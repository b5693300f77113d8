"""Ratings as ordered levels of a latent rating, cut at learned points."""

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from scipy.special import ndtri

from cfexp.models.gibbs.randomness import Randomness

FAR = 1e3  # beyond the first and last cutpoint


class Ordinal(tf.Module):
    """Ordered probit (Albert and Chib, 1993, sec. 4).

    A rating has level l if its latent rating, normal around the model's, lies between
    cutpoints l - 1 and l. Cutpoints are sampled by Metropolis steps with the latent
    ratings integrated out (Cowles, 1996); given every other one they are independent.

    Args:
        level: Level of each rating, from 0, shape ``(n_rows,)``.
        n_levels: Number of levels, 2 or more.
    """

    def __init__(self, level: npt.NDArray[np.int32], n_levels: int):
        super().__init__()
        share = np.cumsum(np.bincount(level, minlength=n_levels)) / len(level)
        start = ndtri(np.clip(share[:-1], 1e-6, 1 - 1e-6)).astype(np.float32)
        self.cutpoints = tf.Variable(start)
        self._level = tf.constant(level, tf.int32)
        self._n_levels = n_levels
        # The posterior's deviation of a cutpoint between levels of equal size.
        self._step = 2.0 * (n_levels / len(level)) ** 0.5

    def latent(
        self, rating: tf.Tensor, precision: tf.Tensor, random: Randomness
    ) -> tf.Tensor:
        """Samples the cutpoints, then returns samples of the latent ratings.

        Args:
            rating: The model's latent rating of each row, shape ``(n_rows,)``.
            precision: Precision of each row.
            random: Random stream.
        """
        root = tf.sqrt(precision)
        for odd in (0, 1):
            self._move(odd, rating, root, random)
        low, high = self._bounds(self.cutpoints.value())
        below, above = _cdf((low - rating) * root), _cdf((high - rating) * root)
        share = below + (above - below) * random.uniform(tf.shape(rating))
        drawn = tf.math.ndtri(tf.clip_by_value(share, 1e-6, 1 - 1e-6))
        return tf.clip_by_value(rating + drawn / root, low, high)

    def _move(
        self, odd: int, rating: tf.Tensor, root: tf.Tensor, random: Randomness
    ) -> None:
        """Proposes to move every other cutpoint; accepts or rejects each."""
        now = self.cutpoints.value()
        n = self._n_levels - 1
        moves = tf.cast(tf.range(n) % 2 == odd, tf.float32)
        moved = now + self._step * moves * random.normal((n,))
        gain = self._likelihood(moved, rating, root)
        gain -= self._likelihood(now, rating, root)
        ends = tf.concat([[-FAR], moved, [FAR]], 0)
        ordered = (ends[:-2] < ends[1:-1]) & (ends[1:-1] < ends[2:])
        better = tf.math.log(random.uniform((n,))) < gain[:-1] + gain[1:]
        self.cutpoints.assign(tf.where(ordered & better, moved, now))

    def _likelihood(
        self, cutpoints: tf.Tensor, rating: tf.Tensor, root: tf.Tensor
    ) -> tf.Tensor:
        """Returns the sum of the log likelihood of the rows of each level."""
        low, high = self._bounds(cutpoints)
        share = _cdf((high - rating) * root) - _cdf((low - rating) * root)
        each = tf.math.log(tf.maximum(share, 1e-12))
        return tf.math.unsorted_segment_sum(each, self._level, self._n_levels)

    def _bounds(self, cutpoints: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        ends = tf.concat([[-FAR], cutpoints, [FAR]], 0)
        return tf.gather(ends, self._level), tf.gather(ends, self._level + 1)


def _cdf(x: tf.Tensor) -> tf.Tensor:
    return tf.math.erfc(-x / 2**0.5) / 2
