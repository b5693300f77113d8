"""Models that are trained to rank: losses, negatives, programs, and their results."""

import itertools
import json
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from helpers import cfexp as command
from helpers import ok
from small_data import synthetic
from small_models import named, programs_made, recipe, reloaded

import cfexp
from cfexp.data.encoder import FeatureEncoder, encode
from cfexp.data.ratings import ITEM, RATING, USER, Ratings, canonical
from cfexp.data.split import Split
from cfexp.data.splitters import PerUser, RandomHoldout
from cfexp.errors import ConfigError, TrainingError
from cfexp.evaluation.rows import by_user
from cfexp.models.base import Uncertain, scores_of
from cfexp.models.layers.ranking import RankingHead
from cfexp.models.loading import load_scorer
from cfexp.models.members import MeanScorer
from cfexp.models.scorer import model_inputs
from cfexp.training import ranking_loss
from cfexp.training.crossed import crossed_scores
from cfexp.training.fit import Fitted, fit_model
from cfexp.training.neural import _built
from cfexp.training.optimizers import Adam
from cfexp.training.ranking_loss import catalogue_tables, with_relevance

GROUPS, ITEMS = 2, 30


@pytest.fixture(scope="module")
def planted() -> tuple[Ratings, Split]:
    """Two groups of users, who like different halves of the movies, at random."""
    rng = np.random.default_rng(0)
    rows = []
    for user in range(60):
        liked = rng.permutation(ITEMS // GROUPS)[:8] * GROUPS + user % GROUPS
        other = rng.permutation(ITEMS // GROUPS)[:4] * GROUPS + 1 - user % GROUPS
        rows += [(user, item, 5.0) for item in liked]
        rows += [(user, item, 1.0) for item in other]
    frame = pd.DataFrame(rows, columns=[USER, ITEM, RATING])
    data = canonical("groups", frame, None, scale=(1, 5))
    return data, PerUser(test_size=0.2, valid_size=0.2).split(data, seed=0)


def fit(data: tuple[Ratings, Split], name: str = "dot", **training: object) -> Fitted:
    how = {"epochs": 20, "batch_size": 64, "negatives": 16, **training}
    return fit_model(recipe(named(name), **how), *data)


def scores(fitted: Fitted) -> np.ndarray:
    """Returns the scores of all pairs of the planted data, by user and movie."""
    pairs = itertools.product(range(60), range(ITEMS))
    rows = pd.DataFrame(pairs, columns=[USER, ITEM])
    movies = pd.DataFrame({ITEM: range(ITEMS), "title": "", "genres": ""})
    found = fitted.encoder.transform(rows, movies)
    return fitted.scorer.predict(found).reshape(60, ITEMS)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "loss", "negatives"),
    [
        ("dot", "softmax", "all"),
        ("dot", "bpr", 16),
        ("ncf", "bce", 16),
        ("deep", "softmax", 16),
    ],
)
def test_groups_of_users_are_found(
    name: str,
    loss: str,
    negatives: object,
    planted: tuple[Ratings, Split],
    tmp_path: Path,
) -> None:
    """Each user's own half of the movies is above the other one, also if reloaded."""
    fitted = fit(planted, name, loss=loss, negatives=negatives)
    reloaded(fitted, *planted, tmp_path)
    found = scores(fitted)
    own = np.arange(60)[:, None] % GROUPS == np.arange(ITEMS) % GROUPS
    pairs = zip(found, own, strict=True)
    above = [np.mean(row[mine][:, None] > row[~mine]) for row, mine in pairs]
    assert np.mean(above) > 0.95
    assert fitted.val_rmse is None
    ndcg = fitted.val_ranking["ranking/val_full_ndcg_10"]
    assert fitted.history
    assert ndcg == max(e.monitored for e in fitted.history.epochs)


def head(loss: str, negatives: int, *, by_popularity: bool = False) -> RankingHead:
    found = RankingHead(loss, negatives, by_popularity=by_popularity, item_rows=8)
    found.build((None, 1))
    return found


def log_sigmoid(x: np.ndarray) -> np.ndarray:
    return -np.log1p(np.exp(-x))


def test_losses_are_those_of_the_papers() -> None:
    rng = np.random.default_rng(0)
    s, drawn = rng.normal(size=3), rng.normal(size=(2, 4))
    held = np.array([[1, 1, 0, 1], [1, 1, 1, 1]], np.float32)
    user = np.array([0, 1, 1])
    arguments = (s.astype("f"), user, drawn.astype("f"), held)
    expected: dict[str, list[float]] = {"softmax": [], "bpr": [], "bce": []}
    for positive, u in zip(s, user, strict=True):
        against = drawn[u][held[u] > 0]
        total = np.exp(positive) + np.exp(against).sum()
        expected["softmax"].append(np.log(total) - positive)
        expected["bpr"].append(-log_sigmoid(positive - against).mean())
        expected["bce"].append(
            -log_sigmoid(positive) - 4 * log_sigmoid(-against).mean()
        )
    for loss, values in expected.items():
        found = head(loss, 4).losses(*map(tf.constant, arguments))
        np.testing.assert_allclose(found, values, rtol=1e-5)


def test_all_movies_give_the_likelihood_of_the_multinomial() -> None:
    score = np.random.default_rng(0).normal(size=(1, 8)).astype("f")
    layer = head("softmax", 0)
    log_share = np.where(np.arange(8) % 7 > 0, 0.0, ranking_loss.NEVER).astype("f")
    drawn = layer.draw({ranking_loss.LOG_SHARE: tf.constant(log_share)})
    item = drawn.item.numpy()
    corrected = tf.constant(score[:, item]) + drawn.correction
    one = tf.ones_like(corrected)
    found = layer.losses(tf.constant(score[0, [3]]), tf.constant([0]), corrected, one)
    there = score[0, 1:7]  # neither the unknown movie nor an unused row
    assert float(found[0]) == pytest.approx(np.log(np.exp(there).sum()) - score[0, 3])


@pytest.mark.parametrize("by_popularity", [False, True])
def test_corrected_draws_sum_to_the_catalogue(by_popularity: bool) -> None:
    """The mean over draws of the sum of exp(score + correction) is that of all."""
    layer = head("softmax", 20_000, by_popularity=by_popularity)
    rows = _encoded(user=[1, 1, 2, 2, 3], item=[1, 2, 1, 3, 5], rating=[1, 1, 1, 0, 1])
    tables = {n: tf.constant(t) for n, t in catalogue_tables(rows, layer).items()}
    score = np.array([9, 0.1, -0.3, 0.5, 9, 0.2, 9, 9], np.float32)
    first, second = layer.draw(tables), layer.draw(tables)
    assert (first.item.numpy() != second.item.numpy()).any()
    item = first.item.numpy()
    assert set(item) == {1, 2, 3, 5}  # of training rows, never the unknown movie
    total = np.exp(score[item] + first.correction.numpy()).sum()
    assert total == pytest.approx(np.exp(score[[1, 2, 3, 5]]).sum(), rel=0.02)
    often = np.bincount(item)[1] > 1.3 * np.bincount(item)[2]
    assert often == by_popularity


def _encoded(**columns: list[float]) -> cfexp.data.encoding.Encoded:
    kinds = {"user": np.int32, "item": np.int32, "rating": np.float32}
    values = {name: np.array(columns[name], kind) for name, kind in kinds.items()}
    return cfexp.data.encoding.Encoded(**values)


def network(name: str, ratings: Ratings, **changes: object) -> keras.Model:
    """Returns an untrained network to rank."""
    how = recipe(named(name).replace(**changes), loss="softmax", negatives=64)
    rows = np.arange(1000)
    encoder = FeatureEncoder.fit(
        ratings, rows, how.model.declared(how.features, ratings)
    )
    (found,) = _built(how, encoder, encode(ratings, encoder, rows))
    return found


@pytest.mark.parametrize("name", ["dot", "ncf", "deep"])
def test_crossed_scores_are_those_of_all_pairs(name: str, ratings: Ratings) -> None:
    none = {"id_dropout": 0.0} | ({} if name == "dot" else {"dropout": 0.0})
    model = network(name, ratings, **none)
    rng = np.random.default_rng(0)
    sizes, sides = {"user": 5, "item": 7}, {"user": {}, "item": {}}
    for one in model.inputs:
        side = "user" if one.name == "user" else "item"
        shape = (sizes[side], 2)[: len(one.shape)]
        sides[side][one.name] = tf.constant(rng.integers(1, 9, shape), tf.int32)
    found = crossed_scores(model, sides["user"], sides["item"])
    pairs = {n: tf.repeat(x, 7, axis=0) for n, x in sides["user"].items()}
    pairs |= {n: tf.concat([x] * 5, 0) for n, x in sides["item"].items()}
    expected = tf.reshape(model(pairs), (5, 7))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_users_positives_are_never_negatives(
    ratings: Ratings, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = network("dot", ratings)
    encoder = FeatureEncoder.fit(ratings, np.arange(1000))
    rows = encode(ratings, encoder, np.arange(1000))
    rows = with_relevance(rows, rows.rating >= 4)
    last = model.layers[-1]
    at = np.flatnonzero((rows.rating > 0) & (rows.user <= 4))
    tables = {n: tf.constant(t) for n, t in catalogue_tables(rows, last).items()}
    batch = {n: tf.constant(c[at]) for n, c in rows.columns.items()}
    batch["slot"] = tf.constant(rows.user[at] - 1)
    held, drawn = [], []
    losses, draw = RankingHead.losses, RankingHead.draw
    monkeypatch.setattr(
        RankingHead, "losses", lambda *a: held.append(a[-1].numpy()) or losses(*a)
    )
    monkeypatch.setattr(
        RankingHead, "draw", lambda *a: drawn.append(draw(*a)) or drawn[-1]
    )
    score = tf.squeeze(model(model_inputs(model, rows, at)), -1)
    ranking_loss.ranking_losses(model, score, batch, tables, 4)
    positives = {(u - 1, i) for u, i in zip(rows.user[at], rows.item[at], strict=True)}
    items = drawn[0].item.numpy()
    expected = [[(u, i) not in positives for i in items] for u in range(4)]
    assert not np.all(expected)
    np.testing.assert_array_equal(held[0] > 0, expected)


@pytest.mark.slow
def test_jobs_share_their_program(
    ratings: Ratings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other rows, seed, penalties, learning rate, sampling: one program."""
    made = programs_made(monkeypatch)
    how = {"loss": "bpr", "epochs": 2, "negatives": 32}
    one = recipe(named("dot"), **how)
    other = recipe(
        named("dot").replace(l2=0.3), seed=1, negative_sampling="popularity", **how
    ).replace(optimizer=Adam(learning_rate=0.01))
    for job, size in ((one, 0.2), (other, 0.21)):
        split = RandomHoldout(test_size=size).split(ratings, seed=job.seed)
        fit_model(job, ratings, split)
    assert len(made) == 1
    assert made[0].run_chunk.experimental_get_tracing_count() == 1


def test_members_rank_by_the_mean_of_their_scores(
    planted: tuple[Ratings, Split], tmp_path: Path
) -> None:
    """And know no standard deviation, which would be one of ratings."""
    fitted = fit(planted, loss="softmax", negatives="all", epochs=2, members=2)
    found = fitted.scorer
    assert isinstance(found, MeanScorer)
    assert not isinstance(found, Uncertain)
    rows = encode(planted[0], fitted.encoder, planted[1].test)
    each = [member.predict(rows) for member in found.members]
    assert np.ptp(each, axis=0).min() > 0
    np.testing.assert_allclose(scores_of(found, rows), np.mean(each, 0), atol=1e-6)
    found.save(tmp_path)
    loaded = load_scorer(tmp_path)
    assert type(loaded) is MeanScorer
    np.testing.assert_array_equal(loaded.predict(rows), found.predict(rows))


@pytest.mark.slow
def test_scores_are_not_shown_as_ratings(workdir: Path) -> None:
    """A run has no errors in stars; what it writes and returns are scores."""
    sizes = ["dataset.n_ratings=3000", "dataset.n_users=100", "dataset.n_items=150"]
    how = ["model=dot", "training.loss=softmax", "training.epochs=2", "embed_dim=4"]
    done = ok(command(*sizes, *how, "hydra.run.dir=run", cwd=workdir))
    assert "RMSE" not in done.stdout
    assert "ranking: the first 10 of the full catalogue" in done.stdout
    frame = pd.read_parquet(workdir / "run/results/test_predictions.parquet")
    assert "score" in frame
    assert "predicted" not in frame
    card = (workdir / "run/results/model_card.md").read_text()
    assert "RMSE" not in card
    assert "its scores are no ratings" in card
    logged = json.loads((workdir / "run/results/metrics.json").read_text())
    found = json.loads(ok(command("score", "run", "--json", cwd=workdir)).stdout)
    for name in ("ranking/rated_ndcg", "ranking/full_ndcg_10"):
        assert found["test"][name] == pytest.approx(logged[name], abs=1e-9)
    assert "val" in found
    done = ok(command("score", "run", cwd=workdir))
    assert "it learned to rank, and its scores are no ratings" in done.stdout
    assert "RMSE" not in done.stdout
    done = command("score", "run", "metrics=[within]", cwd=workdir)
    assert "metrics=within cannot be computed: the run learned to rank" in done.stderr
    pairs = workdir / "pairs.csv"
    frame[[USER, ITEM]].head(9).to_csv(pairs, index=False)
    ok(command("predict", "run", "pairs.csv", "output=out.csv", cwd=workdir))
    found = pd.read_csv(workdir / "out.csv")
    np.testing.assert_allclose(found["score"], frame["score"].head(9), atol=1e-5)
    done = ok(command(*sizes, *how, "split=kfold", "cv=2", cwd=workdir))
    assert "ndcg_10" in done.stdout
    assert "rmse" not in done.stdout
    assert "RMSE" not in done.stdout
    done = ok(command("evaluate", "run", cwd=workdir))
    assert "RMSE" not in done.stdout
    assert "hit rate" in done.stdout


def test_scores_are_not_compared_as_ratings() -> None:
    frame = pd.DataFrame({USER: [1], ITEM: [1], RATING: [5.0], "error": [np.nan]})
    with pytest.raises(cfexp.errors.DataError, match="dot learned to rank: its scores"):
        by_user(["dot"], [[frame]])


@pytest.mark.slow
def test_results_in_python() -> None:
    training = cfexp.training.Training(loss="softmax", epochs=2, batch_size=256)
    model = cfexp.models.Dot(embed_dim=4)
    result = cfexp.Experiment(dataset=synthetic(), model=model, training=training).run()
    metrics = result.metrics()
    assert metrics["ranking/val_full_ndcg_10"] > 0
    assert "ranking/full_ndcg_10" in metrics
    assert not [name for name in metrics if "rmse" in name and "rated" not in name]
    with pytest.raises(TrainingError, match=r"training\.loss=softmax gives scores"):
        _ = result.test
    top = result.predictor.recommend(result.data.ratings.frame[USER].iloc[0], k=3)
    assert list(top["score"]) == sorted(top["score"], reverse=True)


def test_no_relevant_validation_row_is_told(planted: tuple[Ratings, Split]) -> None:
    how = recipe(named("dot"), loss="bpr")
    how = how.replace(evaluation=how.evaluation.replace(relevant_from=6.0))
    with pytest.raises(cfexp.errors.DataError, match="no training rating is relevant"):
        fit_model(how, *planted)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("model=svdpp",), "model=svdpp cannot be trained to rank; choose model=dot"),
        (("model=bias",), "model=bias cannot be trained to rank; choose model=dot"),
        (("training.engine=keras",), "needs training.engine=compiled"),
        (("metrics=[within]",), "metrics=within needs predicted ratings"),
        (
            ("training.negatives=all", "training.negative_sampling=popularity"),
            "training.negatives=all leaves none to be drawn by popularity",
        ),
    ],
)
def test_options_that_do_not_go_together(options: tuple[str, ...], said: str) -> None:
    with pytest.raises(ConfigError, match="training.loss=bpr|training.negatives") as e:
        cfexp.compose("model=dot", "training.loss=bpr", *options)
    assert said in str(e.value)
