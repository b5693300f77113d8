"""Layers: known values, masks, saving."""

from pathlib import Path
from types import ModuleType

import keras
import numpy as np
import pytest
import tensorflow as tf

from cfexp.models import layers
from cfexp.models.layers.dropout import Dropout, IdDropout
from cfexp.models.layers.features import FeatureDropout, FeatureEmbedding
from cfexp.models.layers.head import RatingHead
from cfexp.models.layers.kernels import KernelDense
from cfexp.models.layers.sums import L2, RowDots


@pytest.mark.parametrize("compiled", [False, True])
def test_dropout_has_its_rate_and_changes_each_call(compiled: bool) -> None:
    layer = Dropout(0.3, seed=1)
    call = tf.function(
        lambda x: layer(x, training=True), jit_compile=compiled, autograph=False
    )
    ones = tf.ones((400, 250))
    layer(ones)
    masks = [call(ones).numpy() == 0 for _ in range(3)]
    assert all(abs(mask.mean() - 0.3) < 0.01 for mask in masks)
    assert abs(np.mean(masks[0] & masks[1]) - 0.09) < 0.01
    assert abs(np.mean(masks[0][1:] & masks[0][:-1]) - 0.09) < 0.01
    assert abs(np.mean(call(ones).numpy()) - 1) < 0.02
    np.testing.assert_array_equal(layer(ones).numpy(), ones)


def test_compiled_and_eager_masks_are_the_same() -> None:
    ones = tf.ones((50, 20))
    eager, compiled = Dropout(0.5, seed=3), Dropout(0.5, seed=3)
    eager(ones), compiled(ones)
    program = tf.function(lambda x: compiled(x, training=True), jit_compile=True)
    for _ in range(3):
        np.testing.assert_array_equal(eager(ones, training=True), program(ones))


def test_id_and_feature_dropout() -> None:
    ids = np.arange(1, 1001)
    dropped = IdDropout(0.2, seed=0)(tf.constant(ids), training=True).numpy()
    assert 120 < (dropped == 0).sum() < 280
    assert ((dropped == 0) | (dropped == ids)).all()
    values = tf.constant([[4, 2, -1]] * 1000)
    rows = FeatureDropout(0.2, seed=0)(values, training=True).numpy()
    unknown = (rows == [0, -1, -1]).all(axis=1)
    assert 120 < unknown.sum() < 280
    assert (rows[~unknown] == [4, 2, -1]).all()


def test_features_are_the_sum_of_means() -> None:
    layer = FeatureEmbedding((3, 4), 2, l2=0.5)
    values = [tf.constant([[1, -1], [0, 2]]), tf.constant([[3], [0]])]
    found = layer(values)
    table = layer.table.numpy()
    expected = [table[1] + table[6], (table[0] + table[2]) / 2 + table[3]]
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    squares = (table**2).sum(1)
    looked_up = squares[1] + squares[6] + (squares[0] + squares[2]) / 2 + squares[3]
    np.testing.assert_allclose(layer.losses[0], 0.5 * looked_up / 2, rtol=1e-6)


def test_layers_survive_saving() -> None:
    for layer in (
        Dropout(0.3, seed=4),
        RatingHead(3.5, (1.0, 5.0)),
        RowDots(),
        FeatureEmbedding((3, 4), 2, l2=0.5),
    ):
        again = keras.layers.deserialize(keras.layers.serialize(layer))
        assert again.get_config() == layer.get_config()
    with pytest.raises(ValueError, match="rate"):
        Dropout(1.0)


def test_rating_head_clips_outside_training_only() -> None:
    head = RatingHead(3.0, (1.0, 5.0))
    x = tf.constant([[9.0], [-9.0], [0.5]])
    assert head(x).numpy().ravel().tolist() == [5, 1, 3.5]
    assert head(x, training=True).numpy().ravel().tolist() == [12, -6, 3.5]


def test_kernel_dense_computes_its_formula() -> None:
    layer = KernelDense(3, 2, l2=0.5, sparsity=2.0)
    x = np.random.default_rng(0).normal(size=(4, 5)).astype(np.float32)
    layer(x)
    a, b = (
        np.random.default_rng(i).normal(0, 0.5, (n, 2)) for i, n in ((1, 5), (2, 3))
    )
    layer.a.assign(a), layer.b.assign(b)
    near = np.maximum(0, 1 - ((a[:, None] - b[None]) ** 2).sum(-1))
    assert 0 < (near == 0).sum() < near.size
    weights = layer.kernel.numpy() * near
    np.testing.assert_allclose(layer(x).numpy(), x @ weights, atol=1e-5)
    penalty = 0.5 * (weights**2).sum() + 2.0 * (near**2).mean()
    assert float(sum(layer.losses)) == pytest.approx(penalty, rel=1e-5)


@pytest.mark.parametrize("width", [1, 7, 64])
@pytest.mark.parametrize("compiled", [False, True])
def test_sums_are_those_of_keras(width: int, compiled: bool) -> None:
    """Dot products and penalties, with their gradients."""
    rng = np.random.default_rng(0)
    a, b = (tf.constant(rng.normal(size=(50, width)), tf.float32) for _ in range(2))
    by = tf.constant(rng.normal(size=(50, 1)), tf.float32)

    def found(dots: keras.layers.Layer, penalty: keras.Regularizer) -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch((a, b))
            total = tf.reduce_sum(by * dots([a, b])) + penalty(a)
        return [total, dots([a, b]), *tape.gradient(total, (a, b))]

    own = tf.function(lambda: found(RowDots(), L2(0.3)), jit_compile=compiled)()
    keras_own = found(keras.layers.Dot(axes=-1), keras.regularizers.L2(0.3))
    for value, expected in zip(own, keras_own, strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-5)


def test_the_package_registers_every_layer() -> None:
    """A model is loaded by a process that imported no family."""
    folder = Path(layers.__file__).parent
    registers = "@keras.saving.register_keras_serializable"
    found = {f.stem for f in folder.glob("*.py") if registers in f.read_text()}
    assert found
    assert found <= {n for n, v in vars(layers).items() if isinstance(v, ModuleType)}


@pytest.mark.parametrize(
    ("layer", "shapes", "dtype"),
    [
        (layers.Dropout(0.5, seed=0), [(4, 3)], "float32"),
        (layers.IdDropout(0.5, seed=0), [(4,)], "int32"),
        (layers.FeatureDropout(0.5, seed=0), [(4, 2)], "int32"),
        (layers.FeatureEmbedding([3, 2], 5), [(4, 2), (4, 1)], "int32"),
        (layers.RatingHead(3.0, (1, 5)), [(4, 1)], "float32"),
        (layers.RowDots(), [(4, 3), (4, 3)], "float32"),
        (layers.PairwiseProducts(), [(4, 3), (4, 3)], "float32"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_layer_tells_the_shape_that_it_returns(
    layer: keras.layers.Layer, shapes: list[tuple[int, ...]], dtype: str
) -> None:
    inputs = [keras.KerasTensor(shape, dtype) for shape in shapes]
    values = [np.zeros(shape, dtype) for shape in shapes]
    one = len(shapes) == 1
    told = layer(inputs[0] if one else inputs)
    found = layer(values[0] if one else values, training=True)
    assert (told.shape, told.dtype) == (tuple(found.shape), found.dtype.name)
