"""Engines agree, whatever the model and the optimizer."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_models import OPTIMIZERS, named, recipe

from cfexp.data.encoder import FeatureEncoder, encode
from cfexp.data.ratings import Ratings
from cfexp.data.split import Split
from cfexp.experiment import Experiment
from cfexp.models.base import NeuralModel
from cfexp.training.engines import CompiledEngine
from cfexp.training.fit import fit_model
from cfexp.training.keras_engine import KerasEngine
from cfexp.training.optimizers import Optimizer
from cfexp.training.order import epoch_order
from cfexp.training.updates import Optimizers


def optimizer_id(optimizer: Optimizer) -> str:
    return f"{type(optimizer).__name__}-{getattr(optimizer, 'update', 'dense')}"


def losses_and_weights(
    engine_class: type, model: NeuralModel, ratings: Ratings, optimizer: Optimizer
) -> tuple[list[float], list[np.ndarray]]:
    keras.utils.set_random_seed(1)
    encoder = FeatureEncoder.fit(ratings, np.arange(3000))
    data = encode(ratings, encoder, np.arange(3000))
    network = model.build(encoder.spec, data)
    optimizers = Optimizers.of(network, of_model(model, optimizer), len(data))
    engine = engine_class(network, optimizers, data, 256)
    rng = np.random.default_rng(0)
    losses = [engine.run_epoch(epoch_order(3000, 256, rng)) for _ in range(3)]
    return losses, network.get_weights()


def of_model(model: NeuralModel, optimizer: Optimizer) -> Experiment:
    return recipe(model, epochs=3).replace(optimizer=optimizer)


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("name", ["dot", "ncf", "deep"])
def test_engines_agree(name: str, ratings: Ratings) -> None:
    """The same batches and masks give the same loss and weights."""
    model = named(name)
    one = losses_and_weights(CompiledEngine, model, ratings, OPTIMIZERS[0])
    other = losses_and_weights(KerasEngine, model, ratings, OPTIMIZERS[0])
    np.testing.assert_allclose(one[0], other[0], rtol=1e-4)
    for a, b in zip(one[1], other[1], strict=True):
        np.testing.assert_allclose(a, b, atol=2e-3)


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=optimizer_id)
def test_engines_agree_for_every_optimizer(
    optimizer: Optimizer, ratings: Ratings
) -> None:
    one = losses_and_weights(CompiledEngine, named("dot"), ratings, optimizer)[0]
    other = losses_and_weights(KerasEngine, named("dot"), ratings, optimizer)[0]
    np.testing.assert_allclose(one, other, rtol=1e-4)
    assert one[-1] < one[0]


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [("constant", [0.01] * 3), ("cosine", [0.01, 0.0055, 0.001])]
    + [("step", [0.01, 0.005, 0.0025])],
)
def test_schedules(schedule: str, expected: list[float]) -> None:
    optimizer = (
        OPTIMIZERS[0]
        .replace(schedule=schedule)
        .build(steps_per_epoch=10, epochs=2, table_share=1)
    )
    got = []
    for step in (0, 10, 20):
        optimizer.iterations.assign(step)
        got.append(float(optimizer.learning_rate))
    np.testing.assert_allclose(got, expected, rtol=1e-5)


def test_epoch_order_is_full_batches_of_every_row() -> None:
    order = epoch_order(10, 4, np.random.default_rng(0))
    assert len(order) == 12
    assert set(order[:10]) == set(range(10))
    assert order[10:].tolist() == order[:2].tolist()


class Uncompilable(NeuralModel):
    """A model with an op that XLA does not know."""

    def build(self, features, train):  # type: ignore[no-untyped-def]
        inner = named("dot").build(features, train)

        @keras.saving.register_keras_serializable(package="tests")
        class Python(keras.layers.Layer):
            def call(self, x):  # type: ignore[no-untyped-def]
                y = tf.numpy_function(lambda v: v, [x], tf.float32)
                return x + 0 * tf.reshape(y, tf.shape(x))

        return keras.Model(inner.input, Python()(inner.output), name="uncompilable")


@pytest.mark.slow
def test_falls_back_to_keras_and_says_so(
    ratings: Ratings, split: Split, caplog: pytest.LogCaptureFixture
) -> None:
    fitted = fit_model(recipe(Uncompilable(), epochs=2), ratings, split)
    assert fitted.history is not None
    assert fitted.history.engine == "keras"
    assert "XLA cannot compile uncompilable" in caplog.text
    assert "training.engine=keras" in caplog.text
