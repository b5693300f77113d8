"""Bayesian matrix factorisation, by Gibbs sampling."""

from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from cfexp.data.encoding import Encoded, FeatureSpec
from cfexp.errors import ConfigError
from cfexp.models.base import EmbedDim, SampledModel, Sampler

MAX_LEVELS = 50
MAX_HISTORY = 8_192
MAX_PAIRS = 100_000_000


class Bayes(SampledModel):
    """BPMF (Salakhutdinov and Mnih, 2008) with biases and histories.

    ``rating = mean + b_u + b_i + p_u . q_i``, averaged over samples of the posterior.
    The prior of (b_u, p_u) is normal around a linear function of the user's features
    and of the movies that the user rated, that of (b_i, q_i) around one of the movie's
    (Simm et al., 2017, Macau), so that those with few ratings are predicted from others
    like them. With ``features.time=day``, each day of a user has a bias and factors,
    too, which add their products with p_u and q_i (Rendle, 2010, Factorization
    Machines). Means, precisions and coefficients are sampled: nothing has to be tuned.

    Attributes:
        embed_dim: Number of factors.
        sweeps: Samples of all values.
        burn_in: First samples, which are dropped.
        keep: Samples to predict with, evenly spaced over those after `burn_in`.
        likelihood: ``gaussian``; or ``ordinal``, in which ratings are ordered levels of
            a latent rating (ordered probit).
        noise: ``user``, each user has a precision of their own; or ``shared``.
        history: Who has a history as features: ``user``, ``item``, both or neither.
    """

    name: ClassVar[str] = "bayes"

    embed_dim: EmbedDim = 16
    sweeps: Annotated[int, Field(ge=2)] = 200
    burn_in: Annotated[int, Field(ge=0)] = 20
    keep: Annotated[int, Field(ge=1)] = 100
    likelihood: Literal["gaussian", "ordinal"] = "gaussian"
    noise: Literal["user", "shared"] = "user"
    history: tuple[Literal["user", "item"], ...] = ("user", "item")

    def problems(self) -> list[str]:
        if self.burn_in < self.sweeps:
            return []
        return [f"burn_in must be below sweeps={self.sweeps}. Got: {self.burn_in}"]

    def sampler(self, train: Encoded, features: FeatureSpec, seed: int) -> Sampler:
        """Returns a sampler of the posterior.

        Raises:
            ConfigError: There are too many users and movies for histories, or too many
                different ratings for levels.
        """
        from cfexp.models.gibbs.sampler import GibbsSampler, Settings

        self._check(train, features)
        settings = Settings(
            embed_dim=self.embed_dim,
            ordinal=self.likelihood == "ordinal",
            noise_by_user=self.noise == "user",
            history=self.history,
        )
        return GibbsSampler(settings, train, features, seed)

    def _check(self, train: Encoded, features: FeatureSpec) -> None:
        n_users, n_items = features.n_users, features.n_items
        if self.history and (
            min(n_users, n_items) > MAX_HISTORY or n_users * n_items > MAX_PAIRS
        ):
            raise ConfigError(
                f"model.history={list(self.history)} needs a table of {n_users - 1:,}"
                f" users times {n_items - 1:,} movies, which is too large. Set"
                " model.history=[]"
            )
        if self.likelihood == "ordinal":
            n_levels = len(np.unique(train.rating))
            if n_levels > MAX_LEVELS:
                raise ConfigError(
                    f"model.likelihood=ordinal allows at most {MAX_LEVELS} different"
                    f" ratings. Got: {n_levels:,}. Set model.likelihood=gaussian"
                )
