"""Histories: their sums, and the gradients of the vectors that they sum."""

from pathlib import Path
from typing import ClassVar

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_models import by_name, named, recipe, reloaded

from cfexp.data.encoder import FeatureEncoder, encode
from cfexp.data.encoding import Encoded
from cfexp.data.ratings import Ratings
from cfexp.data.split import Split
from cfexp.errors import ConfigError
from cfexp.models.base import NeuralModel
from cfexp.models.layers.history import HistorySum
from cfexp.models.layers.products import PairwiseProducts
from cfexp.models.scorer import model_inputs
from cfexp.models.svdpp import Svdpp
from cfexp.training.engines import CompiledEngine, GraphEngine
from cfexp.training.fit import fit_model
from cfexp.training.history_sums import HistorySums
from cfexp.training.order import epoch_order
from cfexp.training.updates import Optimizers, row_sums_of, sums_of

# User 1 rated movies 1 and 2; user 2 movie 2; user 3 nothing.
ROWS = Encoded(
    user=np.array([1, 1, 2], np.int32),
    item=np.array([1, 2, 2], np.int32),
    rating=np.array([5, 2, 4], np.float32),
)
VECTORS = np.array([[7, 7], [1, 0], [0, 10]], np.float32)


def summed() -> HistorySum:
    """Returns a layer that has summed `ROWS`."""
    layer = HistorySum(of="user", size=(4, 3, 2), initializer="zeros")
    index = {n: keras.Input((), dtype="int32", name=n) for n in ("user", "item")}
    model = keras.Model(index, layer([*index.values()]))
    layer.table.assign(VECTORS)
    HistorySums(model, ROWS).sum_up([layer])
    return layer


def looked_up(layer: HistorySum, *, training: bool) -> np.ndarray:
    """Returns what is found for `ROWS`, and for a user that is shown as unknown."""
    inputs = [tf.constant([*ROWS.user, 0]), tf.constant([*ROWS.item, 1])]
    return layer(inputs, training=training).numpy()


def test_own_element_is_left_out_in_training() -> None:
    """Of the number of elements, too."""
    layer = summed()
    got = looked_up(layer, training=True)
    np.testing.assert_allclose(got, [[0, 10], [1, 0], [0, 0], [0, 0]])
    got = looked_up(layer, training=False)
    both = [2**-0.5, 10 * 2**-0.5]
    np.testing.assert_allclose(got, [both, both, [0, 10], [0, 0]], rtol=1e-6)


def test_rows_without_new_ratings_keep_their_sums() -> None:
    """Fine-tuning may bring ratings of some users, and ids that are not known."""
    layer = summed()
    new = Encoded(
        user=np.array([2, 0], np.int32),
        item=np.array([1, 1], np.int32),
        rating=np.array([5, 5], np.float32),
    )
    inputs = [keras.Input((), dtype="int32", name=n) for n in ("user", "item")]
    HistorySums(keras.Model(inputs, layer(inputs)), new).sum_up([layer])
    assert layer.sums.numpy().tolist() == [[0, 0], [1, 10], [1, 0], [0, 0]]
    assert layer.number.numpy().tolist() == [0, 2, 1, 0]


def dense_sums(layer: HistorySum, rows: Encoded) -> tf.Tensor:
    """Returns what `looked_up` finds in training, from a table of all pairs."""
    side = rows.user, rows.item
    index, other = side if layer.of == "user" else side[::-1]
    table = np.zeros(layer.size[:2], np.float32)
    table[index, other] = 1
    found = table[index]
    found[np.arange(len(rows)), other] = 0
    found /= np.sqrt(np.maximum(found.sum(axis=1, keepdims=True), 1))
    return tf.matmul(tf.constant(found), layer.table.value)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "kind"), [("svdpp", GraphEngine), ("fm", CompiledEngine)]
)
def test_gradients_are_those_of_a_table_of_all_pairs(
    name: str,
    kind: type[CompiledEngine],
    ratings: Ratings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One batch of all rows, and plain gradient descent."""
    keras.utils.set_random_seed(0)
    model = named(name)
    names = ("id_dropout", "dropout", "l2", "bias_l2")
    zeros = {n: 0.0 for n in names if n in type(model).model_fields}
    encoder = FeatureEncoder.fit(ratings, np.arange(2000))
    rows = encode(ratings, encoder, np.arange(2000))
    network = model.replace(**zeros).build(encoder.spec, rows)
    (layer,) = sums_of(network)
    for v in network.trainable_variables:
        v.assign(0.3 * tf.random.stateless_normal(v.shape, (1, 2)))
    before = [v.numpy() for v in network.trainable_variables]
    optimizers = Optimizers(keras.optimizers.SGD(1.0), keras.optimizers.SGD(1.0))
    optimizers.built(network)
    kind(network, optimizers, rows, 2000).run_epoch(
        epoch_order(2000, 2000, np.random.default_rng(0))
    )
    after = network.trainable_variables
    got = [a - v.numpy() for a, v in zip(before, after, strict=True)]
    for v, value in zip(network.trainable_variables, before, strict=True):
        v.assign(value)
    monkeypatch.setattr(
        HistorySum, "call", lambda self, inputs, training=False: dense_sums(self, rows)
    )
    inputs = model_inputs(network, rows, slice(None))
    with tf.GradientTape() as tape:
        error = network(inputs, training=True)[:, 0] - rows.rating
        loss = tf.reduce_mean(error**2) + layer.penalty()
        loss += tf.add_n([0.0, *network.losses])
    expected = tape.gradient(loss, network.trainable_variables)
    for v, a, b in zip(network.trainable_variables, got, expected, strict=True):
        b = tf.convert_to_tensor(b).numpy()
        np.testing.assert_allclose(a, b, atol=1e-4, err_msg=v.path)
        assert np.abs(b).max() > 1e-4, v.path


@pytest.mark.slow
def test_saved_without_pairs(ratings: Ratings, split: Split, tmp_path: Path) -> None:
    """A reloaded model predicts the same; no weight has a number for each pair."""
    fitted = fit_model(recipe(named("svdpp"), epochs=2), ratings, split)
    again = reloaded(fitted, ratings, split, tmp_path)
    sizes = {fitted.encoder.spec.user_rows, fitted.encoder.spec.item_rows}
    assert all(set(v.shape) != sizes for v in again.model.variables)
    (layer,) = sums_of(again.model)
    assert np.abs(layer.sums.numpy()).max() > 0.01


@by_name
def test_families_with_histories_say_so(model: NeuralModel, ratings: Ratings) -> None:
    encoder = FeatureEncoder.fit(ratings, np.arange(2000))
    built = model.build(encoder.spec, encode(ratings, encoder, np.arange(50)))
    assert model.has_histories == bool(sums_of(built) + row_sums_of(built))


class Own(Svdpp):
    """A user's own family, which does not say so."""

    has_histories: ClassVar[bool] = False


def test_several_devices_are_refused(ratings: Ratings, split: Split) -> None:
    """Also where only the network shows it."""
    with pytest.raises(ConfigError, match="model=own has histories.*one device only"):
        fit_model(recipe(Own(), strategy="mirrored"), ratings, split)


def test_pairwise_products() -> None:
    vectors = np.random.default_rng(0).normal(size=(4, 5, 3))
    got = PairwiseProducts()([tf.constant(v) for v in vectors]).numpy()[:, 0]
    pairs = [(a, b) for a in range(4) for b in range(a)]
    expected = sum((vectors[a] * vectors[b]).sum(axis=1) for a, b in pairs)
    np.testing.assert_allclose(got, expected, atol=1e-5)
