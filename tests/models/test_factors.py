"""Factors of a model: their products are its scores, if the model has any."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

import cfexp
from cfexp.data.encoder import FeatureEncoder
from cfexp.data.encoding import Encoded, crossed
from cfexp.data.split import Data
from cfexp.models import Deep, Dot, Svdpp
from cfexp.models.base import NeuralModel, Scorer, factors_of, scores_of
from cfexp.models.members import MembersScorer
from cfexp.models.scorer import KerasScorer
from cfexp.models.trained_on import fit_baselines

TINY = ("dataset.n_ratings=3000", "dataset.n_users=100", "dataset.n_items=150")


@cache
def data() -> Data:
    return cfexp.compose(*TINY).load()


def scorer_of(
    model: NeuralModel, encoder: FeatureEncoder, levels: tuple[float, ...] = ()
) -> KerasScorer:
    """Returns a network with random weights."""
    shares = tuple(1 / len(levels) for _ in levels)
    spec = replace(encoder.spec, levels=levels, shares=shares)
    network = model.build(spec, encoder.encode(data().ratings, data().split.train))
    rng = np.random.default_rng(0)
    for weight in network.weights:
        weight.assign(rng.normal(size=weight.shape))
    return KerasScorer(network)


def encoder(features: tuple[tuple[str, str], ...] = ()) -> FeatureEncoder:
    return FeatureEncoder.fit(data().ratings, data().split.train, features)


def pairs_of(encoder: FeatureEncoder) -> tuple[Encoded, Encoded]:
    """Returns rows of different users, and rows of different movies."""
    rows = encoder.encode(data().ratings, data().split.test[:200])
    users, items = (np.unique(x, return_index=True)[1] for x in (rows.user, rows.item))
    return rows.at(users), rows.at(items)


def check(scorer: Scorer, known: FeatureEncoder) -> None:
    users, items = pairs_of(known)
    factors = factors_of(scorer, users, items)
    assert factors
    score = scores_of(scorer, crossed(users, items))
    products = (factors[0] @ factors[1].T).ravel()
    assert products.std() > 0.1
    # The mean rating may be left out of both, since it orders nothing.
    np.testing.assert_allclose(
        products - products.mean(), score - score.mean(), atol=1e-4
    )


@pytest.mark.parametrize("features", [(), (("item", "genres"), ("row", "timestamp"))])
def test_products_of_factors_are_the_scores(
    features: tuple[tuple[str, str], ...],
) -> None:
    known = encoder(features)
    check(scorer_of(Dot(embed_dim=4), known), known)


def test_members_and_histories_have_factors() -> None:
    known = encoder()
    members = (
        scorer_of(Svdpp(embed_dim=4), known),
        scorer_of(Svdpp(embed_dim=2), known),
    )
    check(MembersScorer(members, 1.0), known)
    mixed = MembersScorer((members[0], scorer_of(Deep(layers=(4,)), known)), 1.0)
    assert factors_of(mixed, *pairs_of(known)) is None


def test_other_models_have_none() -> None:
    known = encoder()
    each = (
        scorer_of(Deep(embed_dim=4, layers=(4,)), known),
        scorer_of(Dot(embed_dim=4), known, (1.0, 2.0, 3.0, 4.0, 5.0)),
        fit_baselines(data().ratings, data().split.train)["bias"].scorer,
    )
    for scorer in each:
        assert factors_of(scorer, *pairs_of(known)) is None
