"""The Gibbs sampler of a factorisation model."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from cfexp.data.encoding import Encoded, FeatureSpec
from cfexp.models.gibbs.noise import Noise
from cfexp.models.gibbs.ordinal import Ordinal
from cfexp.models.gibbs.plan import Sides, plans_of
from cfexp.models.gibbs.randomness import Randomness
from cfexp.models.gibbs.side import Given, combined
from cfexp.models.posterior import Posterior

# Rows whose vectors are looked up at once.
BLOCK = 500_000


@dataclass(frozen=True)
class Settings:
    """What a sampler samples; see `cfexp.models.bayes.Bayes`.

    Attributes:
        embed_dim: Number of factors.
        ordinal: Whether ratings are ordered levels of a latent rating.
        noise_by_user: Whether users have precisions of their own.
        history: Who has a history as features.
    """

    embed_dim: int
    ordinal: bool
    noise_by_user: bool
    history: Sides


class GibbsSampler(tf.Module):
    """Samples the posterior of a factorisation model.

    Args:
        settings: What to sample.
        train: The training rows.
        features: Properties of the training data.
        seed: Seed of the sampler.
    """

    def __init__(
        self, settings: Settings, train: Encoded, features: FeatureSpec, seed: int
    ):
        super().__init__()
        self._random = Randomness(seed)
        self._scale = features.scale
        ordinal = settings.ordinal
        rating = np.asarray(train.rating, np.float32)
        self._levels = np.unique(rating) if ordinal else np.empty(0, np.float32)
        self._offset = 0.0 if ordinal else float(features.mean_rating)
        self.noise = Noise(
            features.n_users, by_user=settings.noise_by_user, fixed=ordinal
        )
        self.ordinal = None
        if ordinal:
            level = np.searchsorted(self._levels, rating).astype(np.int32)
            self.ordinal = Ordinal(level, len(self._levels))
        plans = plans_of(train, features, settings.history)
        self.sides = [plan.side(settings.embed_dim, self._random) for plan in plans]
        self._planned = list(zip(plans, self.sides, strict=True))
        self._count = tf.math.bincount(
            self.sides[0].index[:-1], minlength=features.n_users, dtype=tf.float32
        )
        # One more: the row that fills tables up.
        self.target = tf.Variable(
            np.append(rating - self._offset, 0.0), dtype=tf.float32
        )
        if self.ordinal:
            self._draw_latent()

    def sweep(self) -> float:
        """Samples everything once; returns the mean squared error of the training rows.

        That of an ordinal likelihood is in units of the latent rating.
        """
        return float(self._sweep())

    @tf.function(autograph=False)
    def _sweep(self) -> tf.Tensor:
        users, own = self.sides[0], self.noise.of_users()
        given = Given(self.target.value(), own=own)
        squares = users.sample(self.sides[1:], given, self._random) / own
        self.noise.sample(squares, self._count, self._random)
        each = tf.gather(self.noise.of_users(), users.index[:-1])
        given = Given(self.target.value(), weight=tf.concat([each, [0.0]], 0))
        for side in self.sides[1:]:
            others = [other for other in self.sides if other is not side]
            side.sample(others, given, self._random)
        if self.ordinal:
            self._draw_latent()
        return tf.reduce_sum(squares) / tf.reduce_sum(self._count)

    def _draw_latent(self) -> None:
        assert self.ordinal
        users, n_rows = self.sides[0], self.sides[0].rows.n_rows
        found: list[tf.Tensor] = []
        for start in range(0, n_rows, BLOCK):
            with tf.control_dependencies(found[-1:]):
                rows = tf.range(start, min(start + BLOCK, n_rows))
                found.append(combined([side.of_rows(rows) for side in self.sides])[1])
        rating = tf.concat(found, 0)
        precision = tf.gather(self.noise.of_users(), users.index[:-1])
        latent = self.ordinal.latent(rating, precision, self._random)
        self.target.assign(tf.concat([latent, [0.0]], 0))

    def sample(self) -> Posterior:
        """Returns the present sample."""
        cutpoints = self.ordinal.cutpoints.numpy() if self.ordinal else np.empty(0)
        return Posterior(
            sides=tuple(plan.sampled(side) for plan, side in self._planned),
            precision=self.noise.of_users().numpy()[None],
            cutpoints=np.asarray(cutpoints, np.float32)[None],
            levels=self._levels,
            offset=self._offset,
            scale=self._scale,
        )

    def average(self, samples: Sequence[Posterior]) -> Posterior:
        """Returns the mean of some samples."""
        return Posterior.joined(samples)
