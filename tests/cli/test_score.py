"""Metrics are computed again from stored predictions."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from helpers import TINY, cfexp, ok, python

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a trained run, tracked, in ``r``."""
    folder = tmp_path_factory.mktemp("scored")
    ok(cfexp("model=bias", *TINY, "hydra.run.dir=r", "metrics=[within]", cwd=folder))
    return folder


def test_as_logged(home: Path) -> None:
    """Of a tracked run, every error and number of rows that is logged."""
    done = ok(cfexp("score", "latest", "metrics=[within]", "--json", cwd=home))
    found = json.loads(done.stdout)
    logged = json.loads((home / "r/results/metrics.json").read_text())
    for part in ("test", "val"):
        own = {k: v for k, v in found[part].items() if k in logged}
        assert {f"{part}_rmse", f"{part}_mae", f"{part}_within"} <= set(own)
        assert own == pytest.approx({name: logged[name] for name in own}, abs=1e-12)
    assert "groups/test_rmse_user_10_49" in found["test"]
    said = ok(cfexp("score", "latest", cwd=home)).stdout
    assert "test_predictions.parquet" in "".join(said.split())  # a path may be wrapped
    assert said.count("as logged") == 2
    assert "not as logged" not in said


def test_folder_needs_neither_tensorflow_nor_mlflow(home: Path) -> None:
    code = (
        "import sys; from cfexp.cli import run_arguments\n"
        "sys.argv[0] = 'cfexp'; code = run_arguments()\n"
        "heavy = ('tensorflow', 'keras', 'mlflow', 'sklearn', 'matplotlib')\n"
        "print('HEAVY', [m for m in heavy if m in sys.modules], code)"
    )
    done = python(code, "score", "r", "+metrics=within", cwd=home)
    assert "HEAVY [] 0" in done.stdout, done.stderr
    assert "within  " in done.stdout


def test_own_metric(home: Path) -> None:
    (home / "own/metrics").mkdir(parents=True)
    (home / "own/metrics/close.yaml").write_text(
        "# @package metrics.close\n_target_: cfexp.evaluation.Within\nstars: 0.1\n"
    )
    own = ["metrics=[close]", "--config-dir", "own", "--json"]
    found = json.loads(ok(cfexp("score", "r", *own, cwd=home)).stdout)
    rows = pd.read_parquet(home / "r/results/test_predictions.parquet")
    close = ((rows["predicted"] - rows["rating"]).abs() <= 0.1).mean()
    assert found["test"]["test_close"] == pytest.approx(close)


def test_changed_predictions_are_told(home: Path, tmp_path: Path) -> None:
    shutil.copytree(home / "r", tmp_path / "r")
    file = tmp_path / "r/results/test_predictions.parquet"
    rows = pd.read_parquet(file)
    rows.assign(predicted=3.0).to_parquet(file)
    said = ok(cfexp("score", "r", cwd=tmp_path)).stdout
    assert "not as logged: test_rmse" in said
    file.write_text("no parquet")
    done = cfexp("score", "r", cwd=tmp_path)
    assert "test_predictions.parquet cannot be read" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["latest", "best"], "cfexp score takes one run. Got: latest best"),
        (
            ["r", "metrics=[withn]"],
            "metrics=withn is not an option (did you mean within",
        ),
        (["r", "--config-dir", "none"], "--config-dir: there is no folder none"),
        (["evaluated"], "has no stored predictions"),
    ],
)
def test_refusals(home: Path, arguments: list[str], said: str) -> None:
    if arguments == ["evaluated"]:
        ok(cfexp("evaluate", "latest", "run_name=evaluated", cwd=home))
    done = cfexp("score", *arguments, cwd=home)
    assert done.returncode == 1
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
