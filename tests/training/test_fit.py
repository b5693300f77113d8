"""Epochs are chosen on validation, and test rows leave no trace."""

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_models import OPTIMIZERS, by_name, named, recipe
from tensorflow.python.framework.config import disable_op_determinism

from cfexp.data.encoder import FeatureEncoder, encode
from cfexp.data.ratings import Ratings
from cfexp.data.split import Split
from cfexp.data.splitters import RandomHoldout
from cfexp.errors import ConfigError, TrainingError
from cfexp.models.base import NeuralModel
from cfexp.models.bias import Mean
from cfexp.models.scorer import KerasScorer
from cfexp.training.fit import fit_baseline, fit_model
from cfexp.training.neural import fit_neural
from cfexp.training.stage import Stage
from cfexp.training.testing import evaluate_fitted


@pytest.mark.slow
def test_best_epoch_is_chosen_on_validation_and_restored(
    ratings: Ratings, split: Split
) -> None:
    weak = named("dot").replace(l2=0.0)
    fitted = fit_model(recipe(weak, epochs=60, patience=3), ratings, split)
    assert fitted.history is not None
    history = fitted.history
    assert history.engine == "compiled"
    assert len(history.epochs) == history.best.epoch + 3 < 60
    valid = evaluate_fitted(fitted, ratings, split.valid).evaluation.overall
    assert valid.rmse == pytest.approx(history.best.val_rmse, abs=1e-6)
    assert fitted.val_rmse == history.best.val_rmse


@pytest.mark.slow
def test_refit_trains_on_validation_rows_too(ratings: Ratings, split: Split) -> None:
    fitted = fit_model(recipe(named("dot"), refit=True, epochs=4), ratings, split)
    known = len(split.train) + len(split.valid)
    assert fitted.encoder.user_counts.sum() == known
    ids = ratings.frame["userId"].drop(split.test)
    assert set(fitted.encoder.users) == set(ids)


@pytest.fixture
def same_bits() -> Iterator[None]:
    """Leaves other tests as they are after one that asks for determinism."""
    yield
    disable_op_determinism()


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.usefixtures("same_bits")
@by_name
def test_test_ratings_leave_no_trace(
    model: NeuralModel, ratings: Ratings, split: Split
) -> None:
    """Permuting the test ratings leaves weights and predictions bit-identical."""
    rating = ratings.frame["rating"].to_numpy().copy()
    rating[split.test] = np.random.default_rng(0).permutation(rating[split.test])
    assert (rating != ratings.frame["rating"]).any()
    other = replace(ratings, frame=ratings.frame.assign(rating=rating))
    how = recipe(model, refit=True, epochs=2).replace(deterministic=True)
    one, two = (
        fit_model(
            how, data, RandomHoldout(test_size=0.2, valid_size=0.1).split(data, seed=0)
        )
        for data in (ratings, other)
    )
    assert isinstance(one.scorer, KerasScorer)
    assert isinstance(two.scorer, KerasScorer)
    pairs = zip(
        one.scorer.model.get_weights(), two.scorer.model.get_weights(), strict=True
    )
    assert all(np.array_equal(a, b) for a, b in pairs)
    assert np.array_equal(
        evaluate_fitted(one, ratings, split.test).predicted,
        evaluate_fitted(two, other, split.test).predicted,
    )


@pytest.mark.slow
def test_diverging_training_says_what_to_change(ratings: Ratings, split: Split) -> None:
    wild = OPTIMIZERS[2].replace(learning_rate=100.0, clipnorm=None)
    how = recipe(named("dot")).replace(optimizer=wild)
    with pytest.raises(
        TrainingError, match="training loss is .* Lower optimizer.learn"
    ):
        fit_model(how, ratings, split)


def test_baselines_cannot_be_fine_tuned(ratings: Ratings, split: Split) -> None:
    fitted = fit_baseline(Mean(), ratings, split)
    with pytest.raises(ConfigError, match="cannot be fine-tuned"):
        fit_model(recipe(Mean()), ratings, split, start=fitted)


@pytest.mark.long
@pytest.mark.slow
def test_same_seed_same_weights_other_seed_others(
    ratings: Ratings, split: Split
) -> None:
    def weights(seed: int) -> list[np.ndarray]:
        how = recipe(named("deep"), epochs=2, engine="keras", seed=seed)
        scorer = fit_model(how, ratings, split).scorer
        assert isinstance(scorer, KerasScorer)
        return scorer.model.get_weights()

    one, again, other = weights(1), weights(1), weights(2)
    assert all(np.array_equal(a, b) for a, b in zip(one, again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


class Disturbed(NeuralModel):
    """A model that is built while another thread draws from Python's `random`."""

    item_features: ClassVar[tuple[str, ...]] = named("deep").item_features

    def build(self, features, train):  # type: ignore[no-untyped-def]
        random.random()
        return named("deep").build(features, train)


class Drawing(NeuralModel):
    """A model that draws from TensorFlow's own stream, and leaves names to Keras."""

    def build(self, features, train):  # type: ignore[no-untyped-def]
        scale = float(tf.random.uniform(()))
        inputs = {name: keras.Input((), name=name) for name in ("user", "item")}
        column = keras.layers.Reshape((1,))(inputs["user"])
        outputs = keras.layers.Dense(1)(keras.layers.Rescaling(scale)(column))
        return keras.Model(inputs, outputs, name="drawing")


@pytest.mark.slow
def test_a_job_does_not_depend_on_those_before_it(ratings: Ratings) -> None:
    """Even if its model has neither seeds nor names of its own."""
    how, stage = recipe(Drawing(), epochs=1, engine="keras"), Stage(np.arange(500))
    found = [fit_neural(how, ratings, stage).scorer for _ in range(2)]
    networks = [one.model for one in found if isinstance(one, KerasScorer)]
    first, second = (network.get_config() for network in networks)
    assert first == second
    for a, b in zip(*(network.get_weights() for network in networks), strict=True):
        np.testing.assert_array_equal(a, b)


def test_weights_do_not_depend_on_other_threads(ratings: Ratings) -> None:
    """Neither the initial ones nor the masks of dropout."""
    stage = Stage(np.arange(500))
    first, second = (
        fit_neural(recipe(model, epochs=1, engine="keras", seed=3), ratings, stage)
        for model in (named("deep"), Disturbed())
    )
    for one, other in zip(first.scorer.trained(), second.scorer.trained(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_filled_up_rows_are_zero_and_not_counted(ratings: Ratings) -> None:
    """Tables have a row for every user and movie of the data, known or not."""
    few = np.arange(50)
    encoder = FeatureEncoder.fit(ratings, few)
    assert encoder.spec.item_rows == ratings.n_items + 1 > encoder.spec.n_items
    dot = named("dot")
    network = dot.build(encoder.spec, encode(ratings, encoder, few))
    width = dot.embed_dim  # type: ignore[attr-defined]
    table = network.get_layer("item_embedding").get_weights()[0]
    assert table.shape == (ratings.n_items + 1, width)
    assert np.all(table[: encoder.spec.n_items].std(axis=1) > 0)
    assert not table[encoder.spec.n_items :].any()
    known = encoder.spec.n_users + encoder.spec.n_items
    assert KerasScorer(network).n_parameters == known * (width + 1)
