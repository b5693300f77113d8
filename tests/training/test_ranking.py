"""Ranking a dataset with models: what is ranked, for whom, and how well."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import cfexp
from cfexp.data import top
from cfexp.data.encoding import Encoded
from cfexp.data.ratings import ITEM, RATING, USER
from cfexp.data.split import Data
from cfexp.evaluation.catalogue import Catalogue
from cfexp.evaluation.settings import EvaluationSettings
from cfexp.models.trained_on import FittedBaseline, fit_baselines
from cfexp.training.held_out import POPULARITY, RANDOM, scores
from cfexp.training.ranking import rank

SETTINGS = EvaluationSettings(ranking=True)


@pytest.fixture(scope="module")
def data() -> Data:
    sizes = ("n_ratings=3000", "n_users=100", "n_items=150")
    return cfexp.compose(*(f"dataset.{size}" for size in sizes)).load()


@pytest.fixture(scope="module")
def bias(data: Data) -> FittedBaseline:
    return fit_baselines(data.ratings, data.split.train)["bias"]


class Planted:
    """Knows the test ratings, and predicts 0 for all other pairs."""

    def __init__(self, data: Data, model: FittedBaseline):
        test = data.ratings.frame.iloc[data.split.test]
        rows = model.encoder.encode(data.ratings, data.split.test)
        pairs = zip(rows.user.tolist(), rows.item.tolist(), strict=True)
        self.rating = dict(zip(pairs, test[RATING], strict=True))

    def predict(self, rows: Encoded) -> np.ndarray:
        pairs = zip(rows.user.tolist(), rows.item.tolist(), strict=True)
        return np.array([self.rating.get(pair, 0.0) for pair in pairs])


def test_a_model_that_knows_the_test_ratings_ranks_best(
    data: Data, bias: FittedBaseline
) -> None:
    known = replace(bias, scorer=Planted(data, bias))
    found = rank(known, {"bias": bias}, data, SETTINGS, 0)
    assert found
    # Cold movies share an index: what it knows of one, it says of all.
    assert found.full["model"]["ndcg"] > 0.97
    assert found.rated["model"] > 0.995
    assert not found.below_popularity
    for name in (POPULARITY, RANDOM, "bias"):
        assert found.full[name]["ndcg"] < 0.5
    assert found.users["full_ndcg_10"].mean() == pytest.approx(
        found.full["model"]["ndcg"]
    )


def test_known_movies_are_not_ranked_and_others_are(
    data: Data, bias: FittedBaseline
) -> None:
    ratings, split = data
    found = Catalogue.of(ratings, split, SETTINGS, 0)
    k = len(found.items)
    lists = found.recommended(scores(bias, found, data), k)
    frame = ratings.frame
    before = frame.iloc[np.concatenate([split.train, split.valid])]
    test = frame.iloc[split.test]
    good = test[test[RATING] >= 4]
    for user, places in zip(found.users, lists, strict=True):
        shown = set(found.items[places[places >= 0]])
        known = set(before.loc[before[USER] == user, ITEM])
        assert shown == set(ratings.movies[ITEM]) - known
    assert set(found.users) == set(good[USER])
    assert found.left_out == test[USER].nunique() - good[USER].nunique()


def test_all_pairs_are_scored_as_they_are_predicted(
    data: Data, bias: FittedBaseline, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Catalogue.of(*data, SETTINGS, 0)
    score = scores(bias, found, data)
    some = np.array([2, 5])
    pairs = pd.MultiIndex.from_product([found.users[some], found.items])
    rows = pairs.to_frame(index=False, name=[USER, ITEM])
    tables = data.ratings.movies, data.ratings.users
    expected = bias.scorer.predict(bias.encoder.transform(rows, *tables))
    np.testing.assert_array_equal(score(some).ravel().clip(1, 5), expected)
    whole = found.recommended(score, 10)
    monkeypatch.setattr(top, "BLOCK", 3 * len(found.items))
    np.testing.assert_array_equal(found.recommended(score, 10), whole)


def test_relevance(data: Data) -> None:
    four = Catalogue.of(*data, SETTINGS, 0)
    assert four.relevant_from == "4"
    same = Catalogue.of(*data, EvaluationSettings(relevant_from=4), 0)
    assert (same.relevant != four.relevant).nnz == 0
    low = Catalogue.of(*data, EvaluationSettings(relevant_from=0.5), 0)
    assert low.left_out == 0
    assert low.relevant.nnz == len(data.split.test)
    mean = Catalogue.of(*data, EvaluationSettings(relevant_from="mean"), 0)
    frame = data.ratings.frame
    before = frame.iloc[np.concatenate([data.split.train, data.split.valid])]
    means = before.groupby(USER)[RATING].mean()
    test = frame.iloc[data.split.test]
    lowest = test[USER].map(means).fillna(before[RATING].mean())
    assert mean.relevant.nnz == (test[RATING] >= lowest).sum()


def test_one_order_for_all_users_is_as_equal_scores_for_all(data: Data) -> None:
    found = Catalogue.of(*data, SETTINGS, 0)
    value = np.random.default_rng(0).integers(0, 9, len(found.items))  # many are equal

    def same(users: np.ndarray) -> np.ndarray:
        return np.tile(value.astype(np.float32), (len(users), 1))

    for k in (10, len(found.items) + 3):  # places without a movie, too
        expected = found.recommended(same, k)
        np.testing.assert_array_equal(found.in_order(value, k), expected)


def test_jobs_with_the_same_rows_share_references(
    data: Data, bias: FittedBaseline, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = rank(bias, {"bias": bias}, data, SETTINGS, 0)
    monkeypatch.setattr(Catalogue, "in_order", None)  # would fail
    again = rank(replace(bias), {"bias": bias}, data, SETTINGS, 0)
    assert first
    assert again
    assert again.catalogue is first.catalogue
    assert again.metrics() == first.metrics()
    with pytest.raises(TypeError):
        rank(bias, {"bias": replace(bias, encoder=bias.encoder)}, data, SETTINGS, 1)


def test_without_a_relevant_movie_only_rated_ones_are_ranked(
    data: Data, bias: FittedBaseline
) -> None:
    settings = EvaluationSettings(ranking=True, relevant_from=6)
    found = rank(bias, {"bias": bias}, data, settings, 0)
    assert found
    assert found.catalogue.left_out == len(
        set(data.ratings.frame[USER].iloc[data.split.test])
    )
    assert "ranking/full_ndcg_10" not in found.metrics()
    assert found.metrics()["ranking/rated_ndcg"] > 0


def test_popular_movies_are_the_most_rated(data: Data) -> None:
    found = Catalogue.of(*data, SETTINGS, 0)
    lists = found.in_order(found.count, 5)
    counts = found.count[lists]
    assert (np.diff(counts, axis=1) <= 0).all()
    # Nobody's list leaves a more popular movie out, unless it is known.
    for row, count in enumerate(counts[:20]):
        unknown = ~found.known[row].toarray()[0]
        assert count[0] == found.count[unknown].max()


def test_an_experiment_ranks(data: Data) -> None:
    plain = cfexp.compose("model=dot", "embed_dim=4", "training=quick")
    both = [plain, plain.replace(evaluation=SETTINGS)]
    results = [experiment.run(data) for experiment in both]
    without, ranked = (result.metrics() for result in results)
    assert results[0].ranking is None
    assert results[1].ranking
    names = {name for name in ranked if name.startswith("ranking/")}
    assert ranked.keys() - without.keys() == names
    assert {"ranking/full_ndcg_10", "ranking/popularity_full_recall_10"} <= names
    assert "ranking/rated_ndcg" in names
    assert ranked["test_rmse"] == without["test_rmse"]
