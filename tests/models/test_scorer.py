"""Keras models, loaded while others are made."""

import random
import threading
from pathlib import Path

import keras
import numpy as np
import pytest
from small_models import named

from cfexp.data.encoder import FeatureEncoder, encode
from cfexp.data.ratings import Ratings
from cfexp.models.scorer import KerasScorer
from cfexp.runtime.building import one_at_a_time


def test_loading_waits_for_the_network_that_is_made(
    ratings: Ratings, tmp_path: Path
) -> None:
    """As both draw from Python's `random`, the weights would depend on the moment."""
    rows = np.arange(50)
    encoder = FeatureEncoder.fit(ratings, rows)
    network = named("dot").build(encoder.spec, encode(ratings, encoder, rows))
    KerasScorer(network).save(tmp_path)
    loading = threading.Thread(target=KerasScorer.load, args=(tmp_path,))
    with one_at_a_time:
        before = random.getstate()
        loading.start()
        loading.join(0.5)
        assert loading.is_alive()
        assert random.getstate() == before
    loading.join()
    assert random.getstate() != before


def test_first_predictions_of_two_threads_do_not_wait_for_each_other(
    ratings: Ratings,
) -> None:
    rows = np.arange(50)
    encoder = FeatureEncoder.fit(ratings, rows)
    encoded = encode(ratings, encoder, rows)
    mine, other = (KerasScorer(named("dot").build(encoder.spec, encoded)) for _ in "ab")
    waiting = threading.Thread(target=other.predict, args=(encoded,), daemon=True)

    def hold() -> None:
        with one_at_a_time:
            waiting.start()
            waiting.join(0.5)
            mine.predict(encoded)

    holding = threading.Thread(target=hold, daemon=True)
    holding.start()
    for thread in (holding, waiting):
        thread.join(60)
        assert not thread.is_alive()


def test_keras_makes_no_layer_to_save_one(
    ratings: Ratings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It makes a new one for each, to see its attributes."""
    rows = np.arange(50)
    encoder = FeatureEncoder.fit(ratings, rows)
    network = named("dot").build(encoder.spec, encode(ratings, encoder, rows))
    scorer = KerasScorer(network)
    scorer.save(tmp_path)
    made = []
    make = keras.Layer.__init__

    def note(self: keras.Layer, *args: object, **more: object) -> None:
        made.append(self)
        make(self, *args, **more)

    monkeypatch.setattr(keras.Layer, "__init__", note)
    scorer.save(tmp_path)
    assert made == []
    KerasScorer.load(tmp_path)
    assert {type(layer) for layer in made} - {keras.Layer}
    assert keras.Layer not in {type(layer) for layer in made}
