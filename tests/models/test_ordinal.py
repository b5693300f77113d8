"""The last layer of ordered levels, its loss, and models trained with it."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_data import synthetic
from small_models import named, recipe

from cfexp.data.ratings import RATING, Ratings
from cfexp.data.split import Split
from cfexp.data.splitters import RandomHoldout
from cfexp.errors import ConfigError
from cfexp.models.base import NeuralModel
from cfexp.models.layers.ordinal import OrdinalHead
from cfexp.training.fit import fit_model
from cfexp.training.testing import evaluate_fitted

LEVELS = (1.0, 2.0, 3.0, 5.0)
SHARES = (0.1, 0.2, 0.4, 0.3)


@pytest.fixture
def head() -> OrdinalHead:
    """A layer as it starts."""
    found = OrdinalHead(LEVELS, SHARES)
    found.build((None, 1))
    return found


def test_starts_at_the_shares(head: OrdinalHead) -> None:
    mean = head.mean(tf.zeros((1, 1)))
    assert float(mean[0, 0]) == pytest.approx(np.dot(LEVELS, SHARES), rel=1e-5)
    for level, share in zip(LEVELS, SHARES, strict=True):
        (loss,) = head.loss(tf.constant([level]), tf.zeros((1, 1)))
        assert float(loss) == pytest.approx(-np.log(share), rel=1e-4)


def test_loss_is_the_likelihood_of_all_levels(head: OrdinalHead) -> None:
    latent = np.linspace(-4, 4, 9, dtype=np.float32)[:, None]
    above = 1 / (1 + np.exp(head.cutpoints().numpy() - latent))
    edges = np.hstack([np.ones_like(latent), above, np.zeros_like(latent)])
    shares = edges[:, :-1] - edges[:, 1:]
    for n, level in enumerate(LEVELS):
        loss = head.loss(tf.fill([9], level), tf.constant(latent))
        np.testing.assert_allclose(loss, -np.log(shares[:, n]), rtol=1e-3)
    mean = shares @ np.array(LEVELS)
    np.testing.assert_allclose(head.mean(latent)[:, 0], mean, rtol=1e-5)


def test_far_latent_ratings_have_gradients(head: OrdinalHead) -> None:
    latent = tf.constant([[-60.0], [60.0]])
    with tf.GradientTape() as tape:
        tape.watch(latent)
        loss = head.loss(tf.constant([5.0, 1.0]), latent)
    found = tape.gradient(loss, latent)[:, 0]
    np.testing.assert_allclose(found, [-1, 1], rtol=1e-3)


@pytest.fixture(scope="module")
def skewed() -> tuple[Ratings, Split]:
    """Levels of unequal steps with factors in them, and a split."""
    data = synthetic(20_000, n_users=200, n_items=500, n_factors=1, noise=0.3).load()
    frame = data.frame.assign(
        rating=np.array([1.0, 1.5, 2.0, 5.0])[
            np.digitize(
                data.frame[RATING], data.frame[RATING].quantile([0.2, 0.5, 0.8])
            )
        ]
    )
    data = Ratings(data.name, frame, data.movies, data.scale)
    return data, RandomHoldout(test_size=0.2, valid_size=0.1).split(data, seed=0)


@pytest.mark.slow
def test_levels_of_unequal_steps(skewed: tuple[Ratings, Split]) -> None:
    """Their mean is predicted better than by one step of latent rating for all."""
    errors = {}
    for loss in ("mse", "ordinal"):
        fitted = fit_model(recipe(named("dot"), loss=loss, epochs=12), *skewed)
        found = evaluate_fitted(fitted, skewed[0], skewed[1].test)
        errors[loss] = found.evaluation.overall.rmse
        assert found.predicted.min() >= 1
        assert found.predicted.max() <= 5
    assert errors["ordinal"] < errors["mse"]


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["compiled", "keras"])
def test_engines(engine: str, skewed: tuple[Ratings, Split]) -> None:
    how = recipe(named("dot"), loss="ordinal", epochs=2, engine=engine)
    fitted = fit_model(how, *skewed)
    assert fitted.history
    first, second = fitted.history.epochs
    assert second.train_loss < first.train_loss < 1.5  # log 4 without the model
    assert second.train_rmse == pytest.approx(second.val_rmse, abs=0.25)


class Bare(NeuralModel):
    """A model with a last layer of its own."""

    def build(self, features: object, train: object) -> keras.Model:
        inputs = {n: keras.Input((), dtype="int32", name=n) for n in ("user", "item")}
        table = keras.layers.Embedding(1000, 1, name="table")
        return keras.Model(inputs, table(inputs["user"]), name="bare")


def test_own_last_layers_are_refused(skewed: tuple[Ratings, Split]) -> None:
    with pytest.raises(ConfigError, match=r"model=bare has no ordinal last layer"):
        fit_model(recipe(Bare(), loss="ordinal"), *skewed)


def test_too_many_levels_are_refused() -> None:
    data = synthetic(3000).load()
    rating = np.linspace(1, 5, len(data.frame))
    data = Ratings(data.name, data.frame.assign(rating=rating), data.movies, data.scale)
    split = RandomHoldout().split(data, seed=0)
    with pytest.raises(ConfigError, match="allows at most 50 different ratings"):
        fit_model(recipe(named("dot"), loss="ordinal"), data, split)
