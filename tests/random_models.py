"""Small models in memory, of networks with random weights: nothing is trained."""

from functools import cache

import numpy as np

import cfexp
from cfexp.data.encoder import FeatureEncoder
from cfexp.data.encoding import Encoded
from cfexp.data.split import Data
from cfexp.models.base import Model, NeuralModel, SampledModel, Scorer
from cfexp.models.known import KnownPairs
from cfexp.models.origin import Origin
from cfexp.models.predictor import Predictor
from cfexp.models.scorer import KerasScorer
from cfexp.models.trained_on import TrainedOn, fit_baselines

TINY = ("dataset.n_ratings=3000", "dataset.n_users=100", "dataset.n_items=150")


@cache
def data() -> Data:
    return cfexp.compose(*TINY).load()


@cache
def encoder() -> FeatureEncoder:
    return FeatureEncoder.fit(data().ratings, data().split.train)


@cache
def train() -> Encoded:
    return encoder().encode(data().ratings, data().split.train)


def scorer_of(model: Model, spread: float = 0.3) -> Scorer:
    """Returns a fitted model, or a network with random weights."""
    if isinstance(model, NeuralModel):
        network = model.build(encoder().spec, train())
        rng = np.random.default_rng(0)
        for weight in network.trainable_weights:
            weight.assign(spread * rng.normal(size=weight.shape))
        return KerasScorer(network)
    if isinstance(model, SampledModel):
        sampler = model.sampler(train(), encoder().spec, 0)
        samples = [sampler.sample() for _ in range(30) if sampler.sweep()]
        return sampler.average(samples[10:])
    return model.fit(train(), encoder().spec)  # type: ignore[attr-defined]


def predictor_of(model: Model, scorer: Scorer | None = None) -> Predictor:
    ratings, split = data()
    return Predictor(
        encoder=encoder(),
        scorer=scorer or scorer_of(model),
        movies=ratings.movies,
        users=ratings.users,
        origin=Origin(model.name, "synthetic", "", "", {}, ""),
        load_trained_on=lambda: TrainedOn(
            KnownPairs.of(ratings, split.train, split.valid),
            fit_baselines(ratings, split.train),
        ),
    )
