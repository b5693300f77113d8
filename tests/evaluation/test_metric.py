"""A metric of one's own is one Python function."""

import json
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from helpers import SMALL, TINY, cfexp, ok

from cfexp.evaluation import Within

SOURCE = """
import numpy as np

def hits(rating, predicted):
    return np.mean(np.round(predicted) == rating)

def words(rating, predicted):
    return "many"
"""
OWN = ("--config-dir", "conf")


@pytest.fixture
def functions(workdir: Path) -> Path:
    """A folder with functions, and files that name them."""
    (workdir / "functions.py").write_text(SOURCE)
    (workdir / "conf/metrics").mkdir(parents=True)
    for name, more in (("hits", "maximise: true\n"), ("words", ""), ("mist", "")):
        text = f"# @package metrics.{name}\n_target_: functions.{name}\n{more}"
        (workdir / f"conf/metrics/{name}.yaml").write_text(text)
    return workdir


def test_a_function_is_a_metric_that_may_choose(functions: Path) -> None:
    options = (*OWN, *TINY, "metrics=[hits]", "objective=val_hits")
    models = "model=bias,mean"
    ok(cfexp("-m", *options, models, "hydra.sweep.dir=jobs", cwd=functions))
    board = pd.read_csv(functions / "jobs/leaderboard.csv")
    assert board["val_hits"][0] > board["val_hits"][1]
    run = functions / "jobs" / str(board["folder"][0]) / "results"
    test = pd.read_parquet(run / "test_predictions.parquet")
    expected = np.mean(test["predicted"].round() == test["rating"])
    assert json.loads((run / "metrics.json").read_text())["test_hits"] == expected
    logged = mlflow.search_runs(output_format="list", search_all_experiments=True)
    assert expected in {r.data.metrics.get("test_hits") for r in logged}

    scored = ("score", str(run.parent), "metrics=[hits]", *OWN)
    done = ok(cfexp(*scored, cwd=functions))
    assert f"{expected:.4f}" in done.stdout


def test_a_function_stops_training(functions: Path) -> None:
    monitor = ("metrics=[hits]", "training.monitor=val_hits", "training.epochs=4")
    options = (*OWN, *SMALL, "model=dot", "embed_dim=4", *monitor)
    ok(cfexp(*options, "hydra.run.dir=run", cwd=functions))
    results = functions / "run/results"
    epochs = pd.read_csv(results / "epochs.csv")
    found = json.loads((results / "metrics.json").read_text())
    assert found["val_hits"] == pytest.approx(epochs["monitored"].max())
    assert epochs["maximise"].all()
    assert "functions.hits" in (results / "config.yaml").read_text()


def test_a_function_must_return_a_number(functions: Path) -> None:
    for name, said in (
        ("words", "metrics.words must return a number"),
        ("mist", "but"),
    ):
        failed = cfexp(*OWN, *SMALL, f"metrics=[{name}]", cwd=functions)
        assert failed.returncode == 1
        assert said in failed.stderr
    assert "defines no such class" in failed.stderr
    assert "or a function, as module.name" in failed.stderr


def test_the_share_of_hits_is_to_be_high() -> None:
    assert Within().higher_is_better
