"""Metrics of validation rows that choose the epoch to keep."""

from dataclasses import replace

import pytest

import cfexp
from cfexp.data.ratings import RATING, Ratings
from cfexp.data.split import Data
from cfexp.errors import ConfigError, TrainingError

TINY = ("dataset.n_ratings=3000", "dataset.n_users=100", "dataset.n_items=150")
RANKED = ("evaluation.ranking=true", "split.valid_size=0.2")
FITTED = (*TINY, *RANKED, "model=dot", "embed_dim=4", "training.epochs=4")
NDCG = "ranking/val_full_ndcg_10"


def test_an_epoch_is_chosen_by_ranking() -> None:
    options = (*FITTED, f"training.monitor={NDCG}", "optimizer.learning_rate=0.03")
    result = cfexp.compose(*options).run()
    history = result.history
    assert history
    monitored = [epoch.monitored for epoch in history.epochs]
    assert len(set(monitored)) > 1
    assert history.best.monitored == max(monitored)
    assert history.best.val_rmse > min(epoch.val_rmse for epoch in history.epochs)
    # What is measured in the end is the model that was kept.
    assert result.metrics()[NDCG] == pytest.approx(max(monitored))
    assert result.metrics()["val_rmse"] == history.best.val_rmse


def test_training_stops_without_a_better_metric_of_ones_own() -> None:
    options = (*FITTED, "training.patience=1", "training.epochs=30")
    own = ("metrics=[within]", "training.monitor=val_within")
    result = cfexp.compose(*options, *own).run()
    history = result.history
    assert history
    monitored = [epoch.monitored for epoch in history.epochs]
    assert history.best.monitored == max(monitored)
    assert len(monitored) == monitored.index(max(monitored)) + 2
    assert result.metrics()["val_within"] == pytest.approx(max(monitored))


def test_validation_does_not_look_at_test_ratings() -> None:
    experiment = cfexp.compose(*TINY, *RANKED, "model=bias")
    data = experiment.load()
    frame = data.ratings.frame
    rating = frame[RATING].to_numpy().copy()
    rating[data.split.test] = 6 - rating[data.split.test]
    changed = frame.assign(**{RATING: rating})
    other = Ratings("other", changed, data.ratings.movies, data.ratings.scale)
    first, second = experiment.run(data), experiment.run(Data(other, data.split))
    assert first.fitted.val_ranking
    assert first.fitted.val_ranking == second.fitted.val_ranking
    assert (
        first.metrics()["ranking/rated_ndcg"] != second.metrics()["ranking/rated_ndcg"]
    )


def test_a_monitor_must_be_a_metric_of_validation_rows() -> None:
    with pytest.raises(ConfigError, match="with evaluation.ranking=true") as error:
        cfexp.compose(*TINY, f"training.monitor={NDCG}")
    assert "must be a metric of the validation rows: val_rmse, val_mae" in str(error)
    with pytest.raises(ConfigError, match="Got: 'test_rmse'"):
        cfexp.compose(*TINY, "training.monitor=test_rmse")


def test_a_monitor_without_a_value_is_an_error() -> None:
    experiment = cfexp.compose(*FITTED, f"training.monitor={NDCG}")
    data = experiment.load()
    low = data.ratings.frame[RATING].to_numpy()[data.split.valid] < 4
    few = replace(data.split, valid=data.split.valid[low][:20])
    with pytest.raises(TrainingError, match="no user has a relevant"):
        experiment.run(Data(data.ratings, few))
