"""Autoencoders of whole rows: their sums, their batches and their gradients."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_models import named, recipe, reloaded

from cfexp.data.encoder import FeatureEncoder, encode
from cfexp.data.encoding import Encoded
from cfexp.data.ratings import Ratings
from cfexp.data.split import Split
from cfexp.errors import ConfigError
from cfexp.models.layers.row_sums import PerRating, RowDropout, RowSum
from cfexp.training.engines import CompiledEngine, GraphEngine
from cfexp.training.fit import fit_model
from cfexp.training.order import epoch_order
from cfexp.training.updates import Optimizers, row_sums_of
from cfexp.training.whole_rows import WholeRows

# User 1 rated movies 1 and 2; user 2 movie 2; user 3 nothing.
ROWS = Encoded(
    user=np.array([1, 1, 2], np.int32),
    item=np.array([1, 2, 2], np.int32),
    rating=np.array([10, 0, 5], np.float32),
)
VECTORS = np.array([[7, 7], [1, 0], [0, 10]], np.float32)
SLOT = [0, 0, 1, 2]  # of two rows; the last rating is of none


def row_sum(rate: float = 0.0) -> RowSum:
    """Returns a layer of ratings from 0 to 10."""
    layer = RowSum(
        rate=rate,
        of="user",
        size=(4, 3, 2),
        scale=(0, 10),
        initializer="zeros",
        l2=0.0,
    )
    layer.build()
    layer.table.assign(VECTORS)
    layer.slots = 2
    return layer


def summed(layer: RowSum, user: list[int], *, training: bool) -> np.ndarray:
    columns = user, [1, 2, 2, 0], [10.0, 0.0, 5.0, 1.0], SLOT
    return layer([tf.constant(c) for c in columns], training=training).numpy()


def test_batches_are_summed_by_slot() -> None:
    """Ratings weigh 1 to 5; an unknown user has no ratings."""
    got = summed(row_sum(), [1, 1, 2, 0], training=True)
    assert got.tolist() == [[5, 10], [0, 30], [0, 0]]


def test_kept_sums_predict() -> None:
    layer = row_sum()
    layer.sums.assign([[0, 0], [1, 2], [3, 4], [8, 9]])
    whole = WholeRows(layer, ROWS, 3)
    got = summed(layer, [1, 2, 3, 0], training=False)
    assert got.tolist() == [[1, 2], [3, 4], [8, 9], [0, 0]]
    whole.sum_up([layer])
    # User 3 has no new ratings, as may be when a model is fine-tuned.
    assert layer.sums.numpy().tolist() == [[0, 0], [5, 10], [0, 30], [8, 9]]


def test_ratings_are_left_out_of_the_input() -> None:
    """A tenth of them is scaled up to all; each epoch leaves out others."""
    n, rate = 4000, 0.9
    layer = row_sum(rate)
    columns = [1] * n, [1] * n, [10.0] * n, list(range(n))
    layer.slots = n
    inputs = [tf.constant(c) for c in columns]
    one, other = (layer(inputs, training=True).numpy()[:n, 0] for _ in range(2))
    assert set(one.round(3).tolist()) == {0.0, 50.0}
    assert (one > 0).mean() == pytest.approx(0.1, abs=0.02)
    assert ((one > 0) & (other > 0)).mean() < 0.03


def test_rows_are_shown_as_unknown() -> None:
    layer = RowDropout(0.5)
    x = tf.ones((1000, 2))
    got = layer(x, training=True).numpy()
    assert (got[:, 0] == got[:, 1]).all()
    assert set(got[:, 0].tolist()) == {0.0, 1.0}
    assert layer(x, training=False) is x


def test_hidden_values_of_each_rating() -> None:
    x, slot = tf.constant([[1.0], [2.0]]), tf.constant([1, 0, 1])
    assert PerRating()([x, slot], training=True).numpy().tolist() == [[2], [1], [2]]
    assert PerRating()([x, slot], training=False) is x


def rated(counts: list[int]) -> Encoded:
    """Returns rows of users with so many ratings each, in random order."""
    user = np.repeat(np.arange(1, len(counts) + 1), counts).astype(np.int32)
    user = np.random.default_rng(0).permutation(user)
    return Encoded(user, np.ones_like(user), np.ones(len(user), np.float32))


@pytest.mark.parametrize(("counts", "size"), [([5, 1, 3, 2, 4], 6), ([1] * 90, 4)])
def test_batches_have_whole_rows(counts: list[int], size: int) -> None:
    data = rated(counts)
    whole = WholeRows(row_sum(), data, size)
    order = epoch_order(len(data), size, np.random.default_rng(1))
    at, slots = whole.batches(order)
    assert at.shape == slots.shape == (len(at), size)
    used = slots < whole.batch.slots
    # Each rating once; the rows of a batch are whole, and have a slot each.
    assert sorted(at[used]) == list(range(len(data)))
    for positions, own in zip(at, slots, strict=True):
        for slot in set(own.tolist()) - {whole.batch.slots}:
            (user,) = set(data.user[positions[own == slot]])
            assert (own == slot).sum() == counts[user - 1]
    # In the order of their first rating.
    users = data.user[at[used]]
    firsts = list(dict.fromkeys(data.user[order].tolist()))
    assert list(dict.fromkeys(users.tolist())) == firsts


def test_no_batch_is_smaller_than_a_row() -> None:
    whole = WholeRows(row_sum(), rated([40, 2]), 8)
    assert whole.batch.size == 40
    # A draw with replacement may make a row longer: it is cut.
    user = rated([40, 2]).user
    drawn = np.flatnonzero(user == 1).astype(np.int32)
    drawn = np.resize(drawn, 42)
    slots = whole.batches(drawn)[1]
    assert [(s < whole.batch.slots).sum() for s in slots] == [40, 2]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "kind"), [("autorec", CompiledEngine), ("kernelae", GraphEngine)]
)
def test_gradients_are_those_of_the_rating_matrix(
    name: str, kind: type[CompiledEngine], ratings: Ratings
) -> None:
    """One batch of all rows, and plain gradient descent."""
    keras.utils.set_random_seed(0)
    model = named(name)
    names = ("id_dropout", "dropout", "input_dropout", "l2", "bias_l2")
    encoder = FeatureEncoder.fit(ratings, np.arange(2000))
    rows = encode(ratings, encoder, np.arange(2000))
    network = model.replace(**dict.fromkeys(names, 0.0)).build(encoder.spec, rows)
    (layer,) = row_sums_of(network)
    for v in network.trainable_variables:
        v.assign(0.3 * tf.random.stateless_normal(v.shape, (1, 2)))
    before = [v.numpy() for v in network.trainable_variables]
    optimizers = Optimizers(keras.optimizers.SGD(1.0)).built(network)
    order = epoch_order(2000, 2000, np.random.default_rng(0))
    kind(network, optimizers, rows, 2000).run_epoch(order)
    after = network.trainable_variables
    got = [a - v.numpy() for a, v in zip(before, after, strict=True)]
    for v, value in zip(network.trainable_variables, before, strict=True):
        v.assign(value)
    side = (rows.item, rows.user) if layer.of == "item" else (rows.user, rows.item)
    matrix = np.zeros(layer.size[:2], np.float32)
    matrix[side] = layer.scaled(rows.rating)
    layer.slots = layer.size[0]
    columns = {"user": rows.user, "item": rows.item, "target": rows.rating}
    inputs = {k: tf.constant(v) for k, v in {**columns, "slot": side[0]}.items()}
    with tf.GradientTape() as tape:
        error = network(inputs, training=True)[:, 0] - rows.rating
        loss = tf.reduce_mean(error**2) + tf.add_n([0.0, *network.losses])
    expected = tape.gradient(loss, network.trainable_variables)
    sums = layer(
        [*map(tf.constant, side), inputs["target"], inputs["slot"]], training=True
    )
    np.testing.assert_allclose(sums[:-1], matrix @ layer.vectors(), atol=1e-3)
    for v, a, b in zip(network.trainable_variables, got, expected, strict=True):
        b = tf.convert_to_tensor(b).numpy()
        np.testing.assert_allclose(a, b, atol=1e-4, err_msg=v.path)
        assert np.abs(b).max() > 1e-4, v.path


@pytest.mark.slow
@pytest.mark.parametrize("name", ["autorec", "kernelae"])
def test_learns_and_is_saved_without_pairs(
    name: str, ratings: Ratings, split: Split, tmp_path: Path
) -> None:
    """The kept sums are those of the trained vectors; no weight is of the pairs."""
    fitted = fit_model(recipe(named(name), epochs=3), ratings, split)
    assert fitted.history
    assert fitted.history.epochs[-1].train_loss < fitted.history.epochs[0].train_loss
    again = reloaded(fitted, ratings, split, tmp_path)
    spec = fitted.encoder.spec
    assert all(
        set(v.shape) != {spec.user_rows, spec.item_rows} for v in again.model.variables
    )
    (layer,) = row_sums_of(again.model)
    train = encode(ratings, fitted.encoder, split.train)
    expected = layer.ratings_in(train) @ layer.vectors().numpy()
    np.testing.assert_allclose(layer.sums.numpy(), expected, atol=1e-3)


def test_several_devices_are_refused(ratings: Ratings, split: Split) -> None:
    with pytest.raises(ConfigError, match="model=autorec has histories.*one device"):
        fit_model(recipe(named("autorec"), strategy="mirrored"), ratings, split)
