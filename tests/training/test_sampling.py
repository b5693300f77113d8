"""Sampled models in an experiment: no epoch is chosen, and nothing leaks."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import cfexp, ok
from small_data import synthetic
from small_models import BIAS, recipe

from cfexp.data.splitters import RandomHoldout
from cfexp.models.bayes import Bayes
from cfexp.training.fit import fit_baseline, fit_model
from cfexp.training.recipe import Hooks
from cfexp.training.testing import evaluate_fitted

SMALL = Bayes(embed_dim=3, sweeps=40, burn_in=15, keep=15)


@pytest.mark.slow
def test_planted_factors_are_recovered() -> None:
    data = synthetic(20_000, n_users=200, n_items=500, n_factors=1, noise=0.3).load()
    split = RandomHoldout(test_size=0.2, valid_size=0.1).split(data, seed=0)
    seen = []
    fitted = fit_model(recipe(SMALL), data, split, hooks=Hooks(on_epoch=seen.append))
    tested = evaluate_fitted(fitted, data, split.test)
    bias = evaluate_fitted(fit_baseline(BIAS, data, split), data, split.test)
    assert tested.evaluation.overall.rmse < 0.9 * bias.evaluation.overall.rmse
    assert [epoch.epoch for epoch in seen] == list(range(1, 41))
    assert fitted.history
    assert fitted.history.best.epoch == 40
    assert fitted.history.best.val_rmse == pytest.approx(fitted.val_rmse, abs=0.01)
    assert "best_epoch" not in fitted.history.metrics()
    assert len(fitted.rows) == len(split.train) + len(split.valid)


@pytest.mark.slow
def test_test_ratings_are_not_read() -> None:
    data = synthetic(3000).load()
    split = RandomHoldout(test_size=0.2, valid_size=0.1).split(data, seed=0)
    changed = data.frame.copy()
    changed.loc[split.test, "rating"] = 1.0
    other = type(data)(data.name, changed, data.movies, data.scale)
    found = [fit_model(recipe(SMALL), each, split) for each in (data, other)]
    for a, b in zip(*(each.scorer.trained() for each in found), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.slow
def test_command_line(workdir: Path) -> None:
    """A run with its card; a reloaded, served and predicted standard deviation."""
    small = ("model.sweeps=8", "model.burn_in=2", "dataset.n_ratings=2000")
    ok(cfexp("model=bayes", *small, "hydra.run.dir=run", cwd=workdir))
    metrics = json.loads((workdir / "run/results/metrics.json").read_text())
    assert 0.5 < metrics["intervals/coverage_90"] <= 1
    assert metrics["training/reload_max_abs_diff"] < 1e-9
    card = (workdir / "run/results/model_card.md").read_text()
    assert "## Intervals" in card
    assert "Nothing was chosen on validation rows" in card
    pd.DataFrame({"userId": [1, 999_999], "movieId": [1, 1]}).to_csv(workdir / "p.csv")
    ok(cfexp("predict", "run", "p.csv", "output=out.csv", cwd=workdir))
    found = pd.read_csv(workdir / "out.csv")
    assert (found["std"] > 0.1).all()
