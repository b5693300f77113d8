"""Features of users, movies and ratings: recovered, saved, served and fine-tuned."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from small_data import synthetic
from small_models import by_name, named, recipe

from cfexp.data.encoder import FeatureEncoder, encode
from cfexp.data.features import Declared, Features
from cfexp.data.frames import Frames
from cfexp.data.ratings import Ratings
from cfexp.data.splitters import ColdUser
from cfexp.evaluation.metrics import rmse
from cfexp.models.base import NeuralModel
from cfexp.models.layers.features import FeatureEmbedding
from cfexp.models.predictor import Predictor
from cfexp.models.scorer import KerasScorer
from cfexp.models.source import Source

DECLARED = (
    Declared("user", "club"),
    Declared("item", "genres"),
    Declared("row", "day"),
)
CLUB = Features(user=("club",), user_l2=1.0)


@pytest.fixture(scope="module")
def clubs() -> Frames:
    """Ratings of users of two clubs, each of which likes one half of the movies."""
    data = synthetic(4000, n_users=150, n_items=120).load()
    frame, rng = data.frame, np.random.default_rng(0)
    club = rng.integers(0, 2, 151)
    likes = club[frame["userId"]] == frame["movieId"] % 2
    stars = np.where(likes, 4.5, 2.0) + rng.choice([-0.5, 0, 0.5], len(frame))
    users = pd.DataFrame({"userId": range(151), "club": np.array(["A", "B"])[club]})
    return Frames(frame.assign(rating=stars), data.movies, users)


@by_name
def test_families_take_features(
    model: NeuralModel, ratings: Ratings, tmp_path: Path
) -> None:
    """A change of a feature changes predictions, also after loading."""
    users = pd.DataFrame({"userId": range(1, 101), "club": ["A", "B"] * 50})
    data = Frames(ratings.frame, ratings.movies, users).load()
    encoder = FeatureEncoder.fit(data, np.arange(3000), DECLARED)
    rows = encode(data, encoder, np.arange(50))
    scorer = KerasScorer(model.build(encoder.spec, encode(data, encoder, np.arange(9))))
    rng = np.random.default_rng(0)
    for layer in scorer.model.layers:
        if isinstance(layer, FeatureEmbedding):
            layer.set_weights([rng.normal(0, 0.3, w.shape) for w in layer.weights])
    predicted = scorer.predict(rows)
    scorer.save(tmp_path)
    scorer = KerasScorer.load(tmp_path)
    np.testing.assert_allclose(scorer.predict(rows), predicted, atol=1e-6)
    for name, feature in rows.features.items():
        unknown = replace(feature, row=np.zeros_like(feature.row))
        changed = replace(rows, features={**rows.features, name: unknown})
        assert np.abs(scorer.predict(changed) - predicted).max() > 1e-3, name


@pytest.mark.slow
def test_a_planted_factor_of_users_is_recovered(clubs: Frames, tmp_path: Path) -> None:
    """Of new users, whom ids tell nothing about; and in all ways to use the model."""
    experiment = recipe(named("dot")).replace(dataset=clubs, split=ColdUser())
    errors = {}
    for name, features in (("ids", Features()), ("club", CLUB)):
        result = experiment.replace(features=features).run()
        errors[name] = result.test.overall.rmse
    assert errors["club"] < 0.7 < 1 < errors["ids"]
    result.predictor.save(tmp_path / "model")
    model = Predictor.load(tmp_path / "model")
    assert model.users.columns.tolist() == ["userId", "club"]
    frame = result.data.ratings.frame
    test = frame.iloc[result.data.split.test]
    predicted = model.predict(test)
    np.testing.assert_allclose(predicted, result.tested.predicted, atol=1e-5)
    # Users whom no table knows: the request says their club.
    club = clubs.load().users.set_index("userId")["club"]
    new = test.assign(club=test["userId"].map(club).to_numpy(), userId=10**9)
    assert rmse(test["rating"], model.predict(new)) < 0.7
    assert rmse(test["rating"], model.predict(new.drop(columns="club"))) > 1
    again = experiment.replace(features=CLUB)
    assert again.key() != experiment.key()


@pytest.mark.slow
def test_fine_tuning_forgets_nothing(clubs: Frames) -> None:
    """Users that other data lack keep vectors and clubs; new ones have their clubs."""
    data = clubs.load()
    is_old = (data.frame["userId"] <= 100).to_numpy()
    old = Frames(data.frame[is_old], data.movies, data.users[:101])
    experiment = recipe(named("dot")).replace(dataset=old, features=CLUB)
    before = experiment.run().predictor
    vectors = _user_vectors(before)
    new = Frames(data.frame[~is_old], data.movies, data.users[101:])
    source = Source(before, "first", same_ids=True)
    tuned = experiment.replace(dataset=new).run(source=source)
    assert tuned.predictor.users.equals(data.users)
    after = _user_vectors(tuned.predictor)
    assert np.array_equal(tuned.predictor.encoder.users, before.encoder.users)
    np.testing.assert_array_equal(after[1:101], vectors[1:101])
    assert np.abs(after[0] - vectors[0]).max() > 1e-3  # that of unknown users
    assert tuned.test.overall.rmse < 0.7
    assert tuned.data.ratings.fingerprint == new.load().fingerprint


@pytest.mark.slow
def test_fine_tuning_on_ratings_alone(clubs: Frames) -> None:
    """The model knows clubs that other data do not say."""
    data = clubs.load()
    is_old = (np.arange(len(data.frame)) % 2).astype(bool)
    old = Frames(data.frame[is_old], data.movies, data.users)
    experiment = recipe(named("dot")).replace(dataset=old, features=CLUB)
    before = experiment.run().predictor
    new = Frames(data.frame[~is_old])
    source = Source(before, "first", same_ids=True)
    tuned = experiment.replace(dataset=new).run(source=source)
    assert tuned.predictor.users.equals(before.users)
    assert tuned.predictor.movies["title"].equals(before.movies["title"])
    test = new.load().frame.iloc[tuned.data.split.test]
    predicted = tuned.predictor.predict(test)
    np.testing.assert_allclose(predicted, tuned.tested.predicted, atol=1e-5)


def _user_vectors(predictor: Predictor) -> npt.NDArray[np.float32]:
    """Returns a copy of the vectors of users' ids, shape ``(rows, width)``."""
    layer = predictor.scorer.model.get_layer("user_embedding")  # type: ignore[attr-defined]
    return np.array(layer.weights[0])
