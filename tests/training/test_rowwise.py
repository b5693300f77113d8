"""Row-wise optimizers, against references written down in NumPy and Keras' own."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_models import OPTIMIZERS, named

from cfexp.data.encoder import FeatureEncoder, encode
from cfexp.data.ratings import Ratings
from cfexp.errors import ConfigError
from cfexp.training.rowwise import RowwiseAdagrad, RowwiseAdam, row_sums, table_share

ROWS, WIDTH, BATCH, STEPS = 7, 3, 5, 6
RNG = np.random.default_rng(0)
START = RNG.normal(size=(ROWS, WIDTH)).astype("float32")
LOOKUPS = RNG.integers(0, ROWS, (STEPS, BATCH)).astype("int32")
LOOKUPS[0] = [2, 2, 6, 2, 0]  # the same row more than once, and the last row
GRADIENTS = RNG.normal(size=(STEPS, BATCH, WIDTH)).astype("float32")


def train(optimizer: keras.Optimizer, *, compiled: bool, sparse: bool) -> np.ndarray:
    """Returns the table after all steps."""
    table = keras.Variable(START)
    optimizer.build([table])

    @tf.function(jit_compile=compiled, autograph=False)
    def step(rows: tf.Tensor, values: tf.Tensor) -> None:
        slices = tf.IndexedSlices(values, rows, dense_shape=[ROWS, WIDTH])
        gradient = slices if sparse else tf.convert_to_tensor(slices)
        optimizer.apply([gradient], [table])

    for rows, values in zip(LOOKUPS, GRADIENTS, strict=True):
        step(tf.constant(rows), tf.constant(values))
    return np.asarray(table)


def lazy_adam() -> np.ndarray:
    """Adam as published, for the rows of each batch only."""
    table = START.astype("float64")
    m, v = np.zeros((2, ROWS, WIDTH))
    for t, (rows, values) in enumerate(zip(LOOKUPS, GRADIENTS, strict=True), start=1):
        for row in np.unique(rows):
            g = values[rows == row].sum(axis=0).astype("float64")
            m[row] = 0.9 * m[row] + 0.1 * g
            v[row] = 0.999 * v[row] + 0.001 * g**2
            scale = 0.05 * np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
            table[row] -= scale * m[row] / (np.sqrt(v[row]) + 1e-7)
    return table


@pytest.mark.parametrize("compiled", [False, True])
def test_rowwise_adam_is_adam_on_looked_up_rows(compiled: bool) -> None:
    got = train(RowwiseAdam(0.05), compiled=compiled, sparse=True)
    np.testing.assert_allclose(got, lazy_adam(), atol=1e-5)
    dense = train(keras.optimizers.Adam(0.05), compiled=compiled, sparse=False)
    assert np.abs(got - dense).max() > 1e-3


@pytest.mark.parametrize("compiled", [False, True])
def test_rowwise_adagrad_is_adagrad(compiled: bool) -> None:
    got = train(RowwiseAdagrad(0.05), compiled=compiled, sparse=True)
    dense = train(keras.optimizers.Adagrad(0.05), compiled=compiled, sparse=False)
    np.testing.assert_allclose(got, dense, atol=1e-6)
    assert np.abs(got - START).max() > 1e-2


def test_rows_never_looked_up_stay() -> None:
    unseen = sorted(set(range(ROWS)) - set(LOOKUPS[:2].ravel()))
    table = keras.Variable(START)
    optimizer = RowwiseAdam(0.05)
    optimizer.build([table])
    for rows, values in zip(LOOKUPS[:2], GRADIENTS[:2], strict=True):
        optimizer.apply([tf.IndexedSlices(values, rows)], [table])
    assert unseen
    np.testing.assert_array_equal(np.asarray(table)[unseen], START[unseen])


def test_row_sums() -> None:
    got = row_sums(tf.IndexedSlices(GRADIENTS[0], LOOKUPS[0]), ROWS).numpy()
    same = LOOKUPS[0][:, None] == LOOKUPS[0]
    np.testing.assert_allclose(got, same @ GRADIENTS[0], rtol=1e-6)


def test_update_is_chosen_by_the_size_of_the_tables(ratings: Ratings) -> None:
    encoder = FeatureEncoder.fit(ratings, np.arange(3000))
    rows = encode(ratings, encoder, np.arange(3000))
    model = named("dot").build(encoder.spec, rows)
    n_rows = encoder.spec.n_users + encoder.spec.n_items
    assert table_share(model, 10) == pytest.approx(20 / n_rows)
    auto = OPTIMIZERS[4].replace(update="auto")
    assert auto.by_rows(0.1)
    assert not auto.by_rows(0.9)
    assert not auto.replace(clipnorm=1.0).by_rows(0.1)
    assert auto.replace(update="rows").by_rows(0.9)
    assert not auto.replace(update="dense").by_rows(0.1)
    with pytest.raises(ConfigError, match="update=rows does not compute the norm"):
        OPTIMIZERS[0].replace(update="rows")
