"""Implicit data: who watched what, without ratings."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import cfexp, ok

from cfexp.data.ratings import ITEM, USER

CSV = ("dataset=csv", "dataset.ratings=views.csv", "tracking=none")


@pytest.fixture
def views(workdir: Path) -> Path:
    """Two groups of users, who watch different halves of the movies."""
    rng = np.random.default_rng(0)
    pairs = [
        (user, 2 * item + user % 2)
        for user in range(40)
        for item in rng.permutation(30)[:14]
    ]
    pd.DataFrame(pairs, columns=[USER, ITEM]).to_csv(workdir / "views.csv", index=False)
    return workdir


def test_it_is_told_what_to_set(views: Path) -> None:
    said = cfexp(*CSV, cwd=views).stderr
    assert "has no column rating" in said
    assert "set dataset.columns.rating=null and training.loss=softmax" in said
    said = cfexp(*CSV, "dataset.columns.rating=null", cwd=views).stderr
    assert "all 560 ratings are 1, so that there is nothing to learn" in said
    assert "(implicit data), set training.loss=softmax, bpr or bce" in said
    assert len([line for line in said.splitlines() if "INFO" not in line]) == 1


@pytest.mark.slow
def test_views_are_learned_from(views: Path) -> None:
    """Movies of the user's group are recommended before popular and random ones."""
    how = ["model=dot", "embed_dim=4", "training.loss=softmax", "training.epochs=30"]
    how += ["training.negatives=all", "training.batch_size=64", "model.l2=0.02"]
    how += ["training.patience=null"]
    how += ["dataset.columns.rating=null", "optimizer.learning_rate=0.05"]
    done = ok(cfexp(*CSV, *how, "hydra.run.dir=run", cwd=views))
    assert "rated only" not in done.stdout
    found = json.loads((views / "run/results/metrics.json").read_text())
    for other in ("popularity", "random"):
        beaten = found[f"ranking/{other}_full_ndcg_10"]
        assert found["ranking/full_ndcg_10"] > 1.3 * beaten
