"""Folds and seeds as one result."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import TINY, cfexp, skipped
from omegaconf import DictConfig
from tracked import runs

from cfexp.config.build import build
from cfexp.runs.repeats import train_repeats
from cfexp.runs.task import Task


@pytest.mark.slow
def test_seeds_of_a_temporal_split(
    workdir: Path,
    composed: Callable[..., DictConfig],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """All have the same rows, in validation too; the table says what is covered."""
    overrides = ["model=bias", "split=temporal", "seeds=3", "tracking=none", *TINY]
    cfg = composed(*overrides)
    train_repeats(Task(build(cfg), Path("out"), "name", tuple(overrides)))
    found = pd.read_json("out/results/metrics.json", typ="series")
    for name in ("val_rmse", "test_rmse", "test_mae"):
        assert found[f"repeats/{name}_std"] == pytest.approx(0, abs=1e-12)
        assert (
            found[f"repeats/{name}_low"] < found[name] < found[f"repeats/{name}_high"]
        )
    said = " ".join(capsys.readouterr().out.split())
    assert "95 % of test other users, the same 3 trained models" in said
    assert "95 % of val other users, the same 3 trained models" in said


@pytest.mark.slow
def test_folds_are_one_result(workdir: Path) -> None:
    """Under a parent with means and intervals; finished folds are kept."""
    one = ["model=bias", "split=kfold", "split.folds=3", "split.fold=1", *TINY]
    assert cfexp(*one, cwd=workdir).returncode == 0
    command = ["model=bias", "cv=3", *TINY]
    done = cfexp(*command, "hydra.run.dir=cv", cwd=workdir)
    assert done.returncode == 0, done.stderr
    assert skipped(done) == 1
    assert (
        len(re.findall(r"^\d/3 split.fold=\d .* finished *$", done.stdout, re.M)) == 2
    )
    assert "mean over users" not in done.stdout
    assert "mean over users" in (workdir / "cv/0/cfexp.log").read_text()
    (parent,) = runs(workdir, "cv")
    assert parent.info.status == "FINISHED"
    folds = sorted(runs(workdir), key=lambda run: run.data.params["split.fold"])
    assert [run.data.params["split.fold"] for run in folds] == ["0", "1", "2"]
    assert all(run.data.params["split.folds"] == "3" for run in folds)
    values = [run.data.metrics["test_rmse"] for run in folds]
    found = parent.data.metrics
    assert found["test_rmse"] == pytest.approx(np.mean(values))
    assert found["repeats/test_rmse_std"] == pytest.approx(np.std(values, ddof=1))
    assert (
        found["repeats/test_rmse_low"]
        < found["test_rmse"]
        < found["repeats/test_rmse_high"]
    )
    said = parent.data.tags["cfexp.test_interval"]
    assert said.startswith("other training and test rows: corrected resampled t")
    assert parent.data.params["model.name"] == "bias"
    assert "split.fold" not in parent.data.params
    # Each test row in one fold only, and all of them.
    rows = pd.concat(
        [
            pd.read_parquet(
                Path(run.data.tags["cfexp.folder"]) / "results/test_predictions.parquet"
            )
            for run in folds
        ]
    )
    assert len(rows) == 3000
    assert not rows.duplicated(["userId", "movieId"]).any()
    again = cfexp(*command, cwd=workdir)
    assert skipped(again) == 3
    assert len(runs(workdir, "cv")) == 1


@pytest.mark.slow
def test_sweep_of_folds_and_seeds(workdir: Path) -> None:
    """Each job of the sweep is a parent of its own; its objective is the mean."""
    sweep = ["-m", "model=mean,bias", "cv=2", "seeds=2", *TINY]
    done = cfexp(*sweep, "hydra.sweep.dir=all", cwd=workdir)
    assert done.returncode == 0, done.stderr
    groups = runs(workdir, "cv")
    assert len(groups) == 2
    assert len(runs(workdir)) == 8
    assert {run.data.params["seed"] for run in runs(workdir)} == {"0", "1"}
    board = pd.read_csv(workdir / "all/leaderboard.csv")
    assert board["val_rmse"].tolist() == pytest.approx(
        sorted(group.data.metrics["val_rmse"] for group in groups)
    )
    table = cfexp("compare", "--sweep", "latest", cwd=workdir)
    assert table.returncode == 0, table.stderr
    assert (pd.read_csv(workdir / "compare/compare.csv")["runs"] == 4).all()


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["cv=1"], "cv must be >= 2"),
        (["cv=2", "split=temporal"], "cv=2 needs folds, but this split has none"),
        (["cv=6", "split=official"], "split=official has 5 folds"),
        (["cv=2", "tracking.register_as=x"], "register_as=x registers one model"),
    ],
)
def test_bad_repeats(workdir: Path, overrides: list[str], message: str) -> None:
    done = cfexp("model=bias", *TINY, *overrides, cwd=workdir)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("cfexp: error: ")
    assert message in done.stderr


def test_failed_repeats_go_on(workdir: Path) -> None:
    """Their parent says why it failed, until it has finished."""
    (workdir / "mine.py").write_text(
        "from pathlib import Path\n"
        "from cfexp.models import Bias\n"
        "class Mine(Bias):\n"
        "    name = 'bias'\n"
        "    def fit(self, train, features):\n"
        "        if Path('stops').exists():\n"
        "            raise RuntimeError('something stops it')\n"
        "        return super().fit(train, features)\n"
    )
    command = ["model=bias", "model._target_=mine.Mine", "cv=2", *TINY]
    (workdir / "stops").touch()
    assert cfexp(*command, cwd=workdir).returncode == 1
    (parent,) = runs(workdir, "cv")
    assert parent.info.status == "FAILED"
    assert "something stops it" in parent.data.tags["cfexp.error"]
    (workdir / "stops").unlink()
    assert cfexp(*command, cwd=workdir).returncode == 0
    (parent,) = runs(workdir, "cv")
    assert parent.info.status == "FINISHED"
    assert "cfexp.error" not in parent.data.tags
