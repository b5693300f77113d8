"""Models: shapes, known values, masks, saving, and planted factors recovered."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import synthetic

from cfexp.data.encoder import FeatureEncoder, encode
from cfexp.data.ratings import Ratings
from cfexp.data.splitters import RandomHoldout
from cfexp.models.autorec import AutoRec
from cfexp.models.base import NeuralModel
from cfexp.models.bias import Bias, BiasScorer, Mean
from cfexp.models.deep import Deep
from cfexp.models.dot import Dot
from cfexp.models.fm import Fm
from cfexp.models.kernelae import KernelAutoEncoder
from cfexp.models.layers.dropout import Dropout, GenreDropout, IdDropout
from cfexp.models.layers.head import RatingHead
from cfexp.models.layers.kernels import KernelDense
from cfexp.models.ncf import Ncf
from cfexp.models.scorer import KerasScorer
from cfexp.models.svdpp import Svdpp
from cfexp.training.fit import Settings, fit_baseline, fit_model
from cfexp.training.optimizers import Adam
from cfexp.training.settings import Training
from cfexp.training.testing import evaluate_fitted

PENALTIES = {"l2": 0.02, "bias_l2": 0.02, "id_dropout": 0.02}
TOWER = {"layers": [16, 8], "dropout": 0.1, "kernel_l2": 0.001}
HIDDEN = {"kernel_l2": 0.001, **PENALTIES}
MODELS: list[NeuralModel] = [
    Dot(embed_dim=4, **PENALTIES),
    Ncf(embed_dim=4, mlp_l2=0.02, **TOWER, **PENALTIES),
    Deep(embed_dim=4, **TOWER, **PENALTIES),
    Svdpp(embed_dim=4, history_l2=0.01, **PENALTIES),
    AutoRec(of="item", units=8, dropout=0.1, **HIDDEN),
    KernelAutoEncoder(
        of="user",
        units=8,
        kernel_dim=2,
        dropout=0.1,
        sparsity=0.01,
        **HIDDEN,
    ),
    Fm(embed_dim=4, history_l2=0.01, **TOWER, **PENALTIES),
]
BIAS = Bias(reg_user=15.0, reg_item=10.0, iterations=10)
by_name = pytest.mark.parametrize("model", MODELS, ids=lambda m: m.name)


def settings(**changes: object) -> Settings:
    training = {
        "epochs": 25,
        "batch_size": 256,
        "patience": None,
        "stream_from": None,
        "checkpoint_every": 0,
    }
    adam = Adam(learning_rate=0.02)
    return Settings(Training(**{**training, **changes}), adam, 0, False)


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
    model = MODELS[0].build(encoder.spec, rows)
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


@by_name
def test_planted_factors_are_recovered(model: NeuralModel) -> None:
    data = synthetic(20_000, n_users=200, n_items=500, n_factors=1, noise=0.3).load()
    split = RandomHoldout(test_size=0.2, valid_size=0.1).split(data, seed=0)
    fitted = fit_model(model, data, split, settings=settings())
    tested = evaluate_fitted(fitted, data, split.test).evaluation.overall.rmse
    bias = evaluate_fitted(fit_baseline(BIAS, data, split), data, split.test)
    assert tested < 0.93 * bias.evaluation.overall.rmse


@by_name
def test_unknown_rows_are_trained(model: NeuralModel, ratings: Ratings) -> None:
    split = RandomHoldout(test_size=0.2, valid_size=0.1).split(ratings, seed=0)
    fitted = fit_model(model, ratings, split, settings=settings(epochs=3))
    assert isinstance(fitted.scorer, KerasScorer)
    tables = [
        v.numpy()
        for v in fitted.scorer.model.trainable_variables
        if v.path.split("/")[0] in ("user_bias", "item_bias")
    ]
    assert len(tables) == 2
    assert all(table[0, 0] != 0 for table in tables)


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
    deep = Deep(embed_dim=4, **TOWER, **{**PENALTIES, "id_dropout": 0.2})
    fitted = fit_model(deep, data, split, settings=settings())
    new = frame.head(2).assign(movieId=[10**6, 10**6 + 1], genres=["Good", "Bad"])
    predicted = fitted.scorer.predict(fitted.encoder.transform(new, movies))
    assert predicted[0] - predicted[1] > 1.5


def test_bias_is_the_least_squares_solution(ratings: Ratings) -> None:
    """The gradient of the objective vanishes at the fitted biases."""
    encoder = FeatureEncoder.fit(ratings, np.arange(3000))
    rows = encode(ratings, encoder, np.arange(3000))
    spec = Bias(reg_user=3.0, reg_item=2.0, iterations=200)
    scorer = spec.fit(rows, encoder.spec)
    assert isinstance(scorer, BiasScorer)
    error = rows.rating - (
        scorer.mean + scorer.user_bias[rows.user] + scorer.item_bias[rows.item]
    )
    by_user = np.bincount(rows.user, error, minlength=encoder.spec.n_users)
    by_item = np.bincount(rows.item, error, minlength=encoder.spec.n_items)
    np.testing.assert_allclose(by_user, 3.0 * scorer.user_bias, atol=1e-8)
    np.testing.assert_allclose(by_item, 2.0 * scorer.item_bias, atol=1e-8)
    assert scorer.n_parameters == 1 + len(encoder.users) + len(encoder.items)


def test_mean_predicts_the_training_mean(ratings: Ratings, tmp_path: Path) -> None:
    split = RandomHoldout(test_size=0.2, valid_size=0.1).split(ratings, seed=0)
    fitted = fit_baseline(Mean(), ratings, split)
    known = np.sort(np.concatenate([split.train, split.valid]))
    expected = ratings.frame["rating"].iloc[known].mean()
    predicted = evaluate_fitted(fitted, ratings, split.test).predicted
    np.testing.assert_allclose(predicted, expected)
    fitted.scorer.save(tmp_path)
    rows = encode(ratings, fitted.encoder, split.test)
    np.testing.assert_array_equal(BiasScorer.load(tmp_path).predict(rows), predicted)


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


def test_id_and_genre_dropout() -> None:
    ids = np.arange(1, 1001)
    dropped = IdDropout(0.2, seed=0)(tf.constant(ids), training=True).numpy()
    assert 120 < (dropped == 0).sum() < 280
    assert ((dropped == 0) | (dropped == ids)).all()
    genres = tf.constant([[0.0, 1.0, 1.0]] * 1000)
    rows = GenreDropout(0.2, seed=0)(genres, training=True).numpy()
    unknown = (rows == [1, 0, 0]).all(axis=1)
    assert 120 < unknown.sum() < 280
    assert (rows[~unknown] == [0, 1, 1]).all()


def test_layers_survive_saving() -> None:
    for layer in (Dropout(0.3, seed=4), RatingHead(3.5, (1.0, 5.0))):
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
