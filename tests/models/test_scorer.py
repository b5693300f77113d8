"""Keras models, loaded while others are made."""

import random
import threading
from pathlib import Path

import numpy as np
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
