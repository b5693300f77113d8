"""Test movies against drawn ones: what is drawn, its measures, and where they stand."""

import numpy as np
import pytest
from small_data import synthetic

import cfexp as api
from cfexp.data.ratings import ITEM, USER
from cfexp.data.split import Data
from cfexp.data.splitters import LeaveRandomOut, RandomHoldout
from cfexp.errors import ConfigError, DataError
from cfexp.evaluation.catalogue import Catalogue
from cfexp.evaluation.names import may_choose
from cfexp.evaluation.objective import validation_metrics
from cfexp.evaluation.sampled import Candidates
from cfexp.evaluation.settings import EvaluationSettings
from cfexp.models.trained_on import FittedBaseline, fit_baselines
from cfexp.training.held_out import scores
from cfexp.training.ranking import Ranking, rank

N, K = 20, 5
FULL = EvaluationSettings(ranking=True, k=K, relevant_from=1)
BOTH = FULL.replace(sampled_negatives=N)


@pytest.fixture(scope="module")
def data() -> Data:
    ratings = synthetic().load()
    return Data(ratings, LeaveRandomOut().split(ratings, seed=0))


@pytest.fixture(scope="module")
def baselines(data: Data) -> dict[str, FittedBaseline]:
    return dict(fit_baselines(data.ratings, data.split.train))


def ranking(
    data: Data, baselines: dict[str, FittedBaseline], which: str, seed: int = 0
) -> Ranking:
    """Returns the ranking of one of the baselines."""
    found = rank(baselines[which], baselines, data, BOTH, seed)
    assert found
    return found


@pytest.mark.parametrize("splitter", [LeaveRandomOut(), RandomHoldout()])
def test_movies_of_others_are_drawn(splitter: LeaveRandomOut | RandomHoldout) -> None:
    """With each relevant test movie, and the same for all of a user's."""
    ratings = synthetic().load()
    split = splitter.split(ratings, seed=0)
    catalogue = Catalogue.of(ratings, split, FULL, 0)
    found = Candidates.of(ratings, catalogue, N, 0)
    test = ratings.frame.iloc[split.test]
    pairs = zip(
        catalogue.users[found.user], catalogue.items[found.item[:, 0]], strict=True
    )
    assert sorted(pairs) == sorted(zip(test[USER], test[ITEM], strict=True))
    own = ratings.frame.groupby(USER)[ITEM].agg(set)
    of_user: dict[int, tuple[int, ...]] = {}
    for user, row in zip(found.user, catalogue.items[found.item[:, 1:]], strict=True):
        assert len(set(row)) == N
        assert not set(row) & own[catalogue.users[user]]
        assert set(row) <= set(ratings.frame[ITEM])
        assert of_user.setdefault(user, tuple(row)) == tuple(row)
    assert len(set(of_user.values())) == len(of_user)
    # All alike: low positions as often as high ones.
    assert abs(found.item[:, 1:].mean() - len(catalogue.items) / 2) < 5


def test_draws_depend_on_the_seed_alone(
    data: Data, baselines: dict[str, FittedBaseline]
) -> None:
    catalogue = Catalogue.of(*data, FULL, 0)
    one, again, other = (
        Candidates.of(data.ratings, catalogue, N, seed).item for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, again)
    np.testing.assert_array_equal(one[:, 0], other[:, 0])
    assert (one != other).any()
    # So a model is ranked among the movies that any other is ranked among.
    bias, mean = (ranking(data, baselines, which).sampled for which in ("bias", "mean"))
    assert bias["model"] == bias["bias"] == mean["bias"]
    assert bias["popularity"] == mean["popularity"]
    assert bias["model"] != mean["model"]


def test_measures_are_those_of_the_scores(
    data: Data, baselines: dict[str, FittedBaseline]
) -> None:
    catalogue = Catalogue.of(*data, FULL, 0)
    found = Candidates.of(data.ratings, catalogue, N, 0)
    score = scores(baselines["bias"], catalogue, data)(np.arange(len(catalogue.users)))
    hits, gains = [], []
    for user, row in zip(found.user, found.item, strict=True):
        own = score[user, row]
        place = 1 + np.sum(own[1:] > own[0])
        assert (own[1:] != own[0]).all()
        hits.append(place <= K)
        gains.append(1 / np.log2(place + 1) if place <= K else 0)
    shown = ranking(data, baselines, "bias").sampled["model"]
    assert shown == pytest.approx({"hit_rate": np.mean(hits), "ndcg": np.mean(gains)})
    assert 0 < shown["ndcg"] < shown["hit_rate"] < 1


def test_means_are_over_users_and_ties_are_broken_by_chance() -> None:
    tie = np.array([1, 3, 0, 2])
    item = np.array([[0, 1, 2], [3, 1, 2], [1, 0, 2]])
    found = Candidates(np.array([0, 0, 1]), item, tie)
    score = np.array([[1.0, 1, 1], [5, 7, 6], [2, 2, 1]])
    # Places 2 (one equal movie is first by `tie`) and 3 of user 0, 1 of user 1.
    measures = found.means(score, 2)
    assert measures["hit_rate"] == (1 / 2 + 1) / 2
    assert measures["ndcg"] == pytest.approx((1 / np.log2(3) / 2 + 1) / 2)


def test_they_are_named_apart_and_choose_nothing(
    data: Data, baselines: dict[str, FittedBaseline]
) -> None:
    both = ranking(data, baselines, "bias")
    full = rank(baselines["bias"], baselines, data, FULL, 0)
    assert full
    found = both.metrics()
    sampled = {name: value for name, value in found.items() if "sampled" in name}
    assert {name.rpartition("sampled20_")[2] for name in sampled} == {
        "hit_rate_5",
        "ndcg_5",
    }
    assert {f"ranking/{of}sampled20_ndcg_5" for of in ("", "popularity_")} <= set(found)
    # The full catalogue's are not changed by them.
    assert full.metrics() == {n: v for n, v in found.items() if n not in sampled}
    assert found["ranking/full_ndcg_5"] < found["ranking/sampled20_ndcg_5"]
    assert not any("sampled" in name for name in both.users)
    assert not any(may_choose(name) for name in sampled)
    assert not any("sampled" in name for name in validation_metrics(BOTH, {}))


def test_too_many_are_refused(data: Data) -> None:
    catalogue = Catalogue.of(*data, FULL, 0)
    with pytest.raises(
        DataError, match=r"sampled_negatives=200 must be at most \d+: user"
    ):
        Candidates.of(data.ratings, catalogue, 200, 0)


def test_models_that_learn_to_rank_need_not_be_told_to_rank() -> None:
    sampled = "evaluation.sampled_negatives=20"
    made = api.compose("model=dot", "training.loss=bce", sampled)
    assert made.ranked.sampled_negatives == 20
    with pytest.raises(ConfigError, match=r"needs evaluation\.ranking=true"):
        api.compose("model=dot", sampled)
