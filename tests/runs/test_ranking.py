"""Ranking on the command line: in training, and of a trained model."""

import json
from pathlib import Path

import mlflow
import pytest
from helpers import FITTED, TINY, cfexp, ok

RANKED = "evaluation.ranking=true"


def metrics(folder: Path) -> dict[str, float]:
    """Returns the ranking metrics of a run."""
    found = json.loads((folder / "results/metrics.json").read_text())
    return {k: v for k, v in found.items() if k.startswith("ranking/")}


def test_evaluation_of_a_trained_model_ranks_as_training_did(workdir: Path) -> None:
    done = ok(cfexp(*FITTED, RANKED, "hydra.run.dir=run", cwd=workdir))
    said = " ".join(done.stdout.split())
    assert "ranking: the first 10 of the full catalogue" in said
    assert "No candidates are sampled" in said
    assert "a test rating of at least 4" in said
    trained = metrics(workdir / "run")
    assert trained["ranking/popularity_full_ndcg_10"] > 0
    run = mlflow.search_runs(output_format="list", search_all_experiments=True)[0]
    logged = run.data.metrics
    assert logged["ranking/full_ndcg_10"] == trained["ranking/full_ndcg_10"]

    again = ("evaluate", "run", RANKED, "hydra.run.dir=again")
    ok(cfexp(*again, cwd=workdir))
    assert metrics(workdir / "again") == pytest.approx(trained)
    ok(cfexp(*again[:3], "evaluation.k=5", "hydra.run.dir=five", cwd=workdir))
    assert metrics(workdir / "five")["ranking/full_ndcg_5"] > 0

    other = ("evaluate", "run", RANKED, "dataset.data_seed=1", "same_ids=true")
    failed = cfexp(*other, cwd=workdir)
    assert failed.returncode == 1
    assert "ranks the movies of the dataset that the model was" in failed.stderr


def test_without_ranking_nothing_is_said_of_it(workdir: Path) -> None:
    options = (*TINY, "model=bias", "tracking=none", "hydra.run.dir=run")
    done = ok(cfexp(*options, cwd=workdir))
    assert "ranking" not in done.stdout
    assert not metrics(workdir / "run")
