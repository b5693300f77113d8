"""Predictions of equal networks by one traced function."""

import keras
import numpy as np
import pytest
from small_models import by_name

from cfexp.data.encoder import FeatureEncoder, encode
from cfexp.data.ratings import Ratings
from cfexp.models import forward
from cfexp.models.base import NeuralModel
from cfexp.models.scorer import KerasScorer, model_inputs


@by_name
def test_each_network_predicts_with_its_own_weights(
    model: NeuralModel, ratings: Ratings
) -> None:
    """As it does without a shared function, and after its weights have changed."""
    encoder = FeatureEncoder.fit(ratings, np.arange(500))
    rows = encode(ratings, encoder, np.arange(500))
    scorers = []
    for seed in (0, 1):
        keras.utils.clear_session(free_memory=False)
        keras.utils.set_random_seed(seed)
        scorers.append(KerasScorer(model.build(encoder.spec, rows)))
    first, second = scorers
    assert not np.allclose(first.predict(rows), second.predict(rows), atol=1e-6)
    first.model.set_weights(second.model.get_weights())
    every = slice(0, len(rows))
    for scorer in scorers:
        inputs = model_inputs(scorer.model, rows, every)
        expected = scorer.model(inputs, training=False).numpy()[:, 0]
        np.testing.assert_allclose(scorer.predict(rows), expected, atol=1e-6)


def test_large_networks_are_not_kept(
    ratings: Ratings, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    monkeypatch.setattr(forward, "_traced", made.append)
    monkeypatch.setattr(forward, "MAX_BYTES", 0)
    user = keras.Input((), dtype="int32", name="user")
    table = keras.layers.Embedding(5, 1)(user)
    predict = forward.forward_of(keras.Model({"user": user}, table))
    assert predict({"user": np.array([1, 4])}).shape == (2, 1)
    assert not made
