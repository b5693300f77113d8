"""Model families: shapes, saving, and planted factors recovered."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from small_data import synthetic
from small_models import BIAS, by_name, named, recipe

from cfexp.data.encoder import FeatureEncoder, encode
from cfexp.data.ratings import Ratings
from cfexp.data.split import Split
from cfexp.data.splitters import RandomHoldout
from cfexp.models.base import NeuralModel
from cfexp.models.scorer import KerasScorer
from cfexp.training.fit import fit_baseline, fit_model
from cfexp.training.testing import evaluate_fitted


@by_name
def test_shapes_scale_and_save(
    model: NeuralModel, ratings: Ratings, tmp_path: Path
) -> None:
    encoder = FeatureEncoder.fit(ratings, np.arange(2000))
    rows = encode(ratings, encoder, np.arange(3000))
    scorer = KerasScorer(model.build(encoder.spec, rows))
    for seed, variable in enumerate(scorer.model.trainable_variables):
        noise = tf.random.stateless_normal(variable.shape, (seed, 2))
        variable.assign(variable + 0.3 * noise)
    predicted = scorer.predict(rows)
    assert predicted.shape == (3000,)
    assert predicted.min() >= 1
    assert predicted.max() <= 5
    assert predicted.std() > 0.1
    scorer.save(tmp_path)
    again = KerasScorer.load(tmp_path)
    np.testing.assert_allclose(again.predict(rows), predicted, atol=1e-6)
    assert again.n_parameters == scorer.n_parameters


def test_dot_computes_its_formula(ratings: Ratings) -> None:
    encoder = FeatureEncoder.fit(ratings, np.arange(3000))
    rows = encode(ratings, encoder, np.arange(50))
    model = named("dot").build(encoder.spec, rows)
    value = {v.path.split("/")[0]: v.numpy() for v in model.trainable_variables}
    expected = (
        encoder.spec.mean_rating
        + value["user_bias"][rows.user, 0]
        + value["item_bias"][rows.item, 0]
        + (value["user_embedding"][rows.user] * value["item_embedding"][rows.item]).sum(
            1
        )
    )
    np.testing.assert_allclose(KerasScorer(model).predict(rows), expected, rtol=1e-5)


@pytest.fixture(scope="module")
def planted() -> tuple[Ratings, Split]:
    """Ratings with factors in them, and a split."""
    data = synthetic(20_000, n_users=200, n_items=500, n_factors=1, noise=0.3).load()
    return data, RandomHoldout(test_size=0.2, valid_size=0.1).split(data, seed=0)


@pytest.mark.slow
@by_name
def test_planted_factors_are_recovered(
    model: NeuralModel, planted: tuple[Ratings, Split]
) -> None:
    """And rows that serve unknown users and movies are trained."""
    fitted = fit_model(recipe(model), *planted)
    tested = evaluate_fitted(fitted, planted[0], planted[1].test)
    bias = fit_baseline(BIAS, *planted)
    expected = evaluate_fitted(bias, planted[0], planted[1].test)
    rmse = expected.evaluation.overall.rmse
    assert tested.evaluation.overall.rmse < 0.93 * rmse
    assert isinstance(fitted.scorer, KerasScorer)
    tables = [
        v.numpy()
        for v in fitted.scorer.model.trainable_variables
        if v.path.split("/")[0] in ("user_bias", "item_bias")
    ]
    assert len(tables) == 2
    assert all(table[0, 0] != 0 for table in tables)


@pytest.mark.slow
def test_genres_place_a_new_movie() -> None:
    """Ratings follow the genre alone: a new movie is rated by its genre."""
    data = synthetic(4000, n_users=100, n_items=200).load()
    rng = np.random.default_rng(0)
    good = rng.random(len(data.movies)) < 0.5
    movies = data.movies.assign(genres=np.where(good, "Good", "Bad"))
    is_good = data.frame["movieId"].isin(movies["movieId"][good])
    frame = data.frame.assign(rating=np.where(is_good, 5.0, 2.0))
    data = Ratings("t", frame, movies, (1, 5))
    split = RandomHoldout(test_size=0.2, valid_size=0.1).split(data, seed=0)
    deep = named("deep").replace(id_dropout=0.2)
    fitted = fit_model(recipe(deep), data, split)
    new = frame.head(2).assign(movieId=[10**6, 10**6 + 1], genres=["Good", "Bad"])
    predicted = fitted.scorer.predict(fitted.encoder.transform(new, movies))
    assert predicted[0] - predicted[1] > 1.5
