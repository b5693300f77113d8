"""Training ratings as inputs: hidden where they are to be predicted, saved, limited."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from small_models import MODELS

from cfexp.data.encoder import FeatureEncoder, encode
from cfexp.data.ratings import Ratings
from cfexp.errors import ConfigError
from cfexp.models.layers.inputs import Inputs
from cfexp.models.layers.products import PairwiseProducts
from cfexp.models.layers.rated import TrainingRow, training_row
from cfexp.models.scorer import KerasScorer

# Families that see what else a user or a movie was rated.
RATED = [model for model in MODELS if model.name not in ("dot", "ncf", "deep")]
TABLE = np.array([[0, 0, 0], [1, 1, 1], [0, 1, 1]], np.float32)


def test_the_predicted_element_is_hidden() -> None:
    layer = TrainingRow((3, 3), False, TABLE)
    got = layer([tf.constant([1, 1, 2, 0]), tf.constant([0, 2, 0, 1])]).numpy()
    assert got.tolist() == [[0, 1, 1], [1, 1, 0], [0, 1, 1], [0, 0, 0]]


def test_rows_are_divided_by_the_square_root_of_their_number() -> None:
    layer = TrainingRow((3, 3), True, TABLE)
    got = layer([tf.constant([1, 2]), tf.constant([0, 2])]).numpy()
    np.testing.assert_allclose(got, [[0, 2**-0.5, 2**-0.5], [0, 1, 0]], rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("model", RATED, ids=lambda m: m.name)
def test_a_pair_is_predicted_without_its_own_rating(
    model, ratings: Ratings, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    """Another rating of the pair in training does not change its prediction."""
    encoder = FeatureEncoder.fit(ratings, np.arange(3000))
    rows = encode(ratings, encoder, np.arange(3000))
    other = rows.rating.copy()
    other[7] = 6 - other[7] if other[7] != 3 else 5
    scorers = [
        KerasScorer(model.build(encoder.spec, train))
        for train in (rows, replace(rows, rating=other))
    ]
    trained = [scorer.model.trainable_variables for scorer in scorers]
    for seed, pair in enumerate(zip(*trained, strict=True)):
        value = 0.3 * tf.random.stateless_normal(pair[0].shape, (seed, 1))
        for variable in pair:
            variable.assign(value)
    one, two = (scorer.predict(rows) for scorer in scorers)
    assert one[7] == two[7]
    scorers[0].save(tmp_path)
    again = KerasScorer.load(tmp_path).predict(rows)
    np.testing.assert_allclose(again, one, atol=1e-6)
    same_movie = np.flatnonzero(rows.item == rows.item[7])
    if model.name == "autorec":
        assert (one[same_movie] != two[same_movie]).sum() == len(same_movie) - 1


def test_too_many_pairs_for_a_table(ratings: Ratings) -> None:
    encoder = FeatureEncoder.fit(ratings, np.arange(3000))
    rows = encode(ratings, encoder, np.arange(3000))
    inputs = Inputs(replace(encoder.spec, user_rows=10**7), id_dropout=0.0)
    with pytest.raises(
        ConfigError, match=r"at most 50,000,000 are allowed\. Use model=dot"
    ):
        training_row(inputs, rows, of="user", ratings=True)


def test_pairwise_products() -> None:
    vectors = np.random.default_rng(0).normal(size=(4, 5, 3))
    got = PairwiseProducts()([tf.constant(v) for v in vectors]).numpy()[:, 0]
    pairs = [(a, b) for a in range(4) for b in range(a)]
    expected = sum((vectors[a] * vectors[b]).sum(axis=1) for a, b in pairs)
    np.testing.assert_allclose(got, expected, atol=1e-5)
