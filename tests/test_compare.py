"""Comparisons: known statistics, and runs of MLflow compared."""

import sys
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from conftest import TINY, cfexp
from scipy import stats

from cfexp.compare.best import experiment
from cfexp.compare.statistics import against_reference, holm, user_errors


def planted(shift: float, users: int = 200, rows: int = 20) -> np.ndarray:
    """Returns errors of two systems, the second `shift` worse, as (n, 2)."""
    rng = np.random.default_rng(0)
    own = rng.normal(0, 0.5, users).repeat(rows)
    error = np.abs(rng.normal(0, 1, users * rows)) + own
    return np.column_stack([error, error + shift])


def test_errors_are_summed_by_user() -> None:
    found = user_errors(["a", "b", "a"], [[1, 2], [3, 4], [-5, 6]], ["x", "y"])
    assert found.rows.tolist() == [2, 1]
    assert found.squared.tolist() == [[26, 40], [9, 16]]
    assert found.absolute.tolist() == [[6, 8], [3, 4]]
    np.testing.assert_allclose(found.overall("rmse"), np.sqrt([35 / 3, 56 / 3]))
    np.testing.assert_allclose(found.overall("mae"), [3, 4])
    np.testing.assert_allclose(found.overall("mae", np.array([2, 0])), [3, 4])


@pytest.mark.parametrize("metric", ["rmse", "mae"])
def test_planted_difference_is_found(metric: str) -> None:
    errors = planted(0.05)
    by_user = user_errors(np.arange(200).repeat(20), errors, ["x", "y"])
    found = against_reference(by_user, 0, metric=metric)
    assert found.loc["x", "difference"] == 0
    assert np.isnan(found.loc["x", "p"])
    assert 0 < found.loc["y", "low"] < found.loc["y", "difference"]
    assert found.loc["y", "difference"] < found.loc["y", "high"]
    assert found.loc["y", "p"] < 1e-6
    again = against_reference(by_user, 1, metric=metric)
    assert again.loc["x", "high"] == pytest.approx(-found.loc["y", "low"])


def test_interval_covers_the_truth_as_often_as_it_says() -> None:
    """Over many draws of users; with rows as units it would be far too narrow."""
    rng = np.random.default_rng(1)
    covered = 0
    for draw in range(100):
        taste = rng.normal(0, 0.3, 60).repeat(30)
        errors = np.column_stack([1 + 0 * taste, 1 + taste])
        by_user = user_errors(np.arange(60).repeat(30), errors, ["x", "y"])
        line = against_reference(by_user, 0, metric="mae", seed=draw).loc["y"]
        covered += line["low"] <= 0 <= line["high"]
    assert 85 <= covered <= 100


def test_same_system_twice_is_no_difference() -> None:
    errors = planted(0.0)
    by_user = user_errors(np.arange(200).repeat(20), errors, ["x", "y"])
    line = against_reference(by_user, 0, metric="rmse").loc["y"]
    assert line[["difference", "low", "high", "p"]].tolist() == [0, 0, 0, 1]


def test_holm() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == pytest.approx([1, 1])
    p = [0.001, 0.2, 0.03, 0.004]
    assert (np.array(holm(p)) >= p).all()
    assert np.array_equal(stats.rankdata(holm(p)), stats.rankdata(p))


@pytest.fixture(scope="module")
def tracked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three systems on two folds each, and one on another split."""
    folder = tmp_path_factory.mktemp("tracked")
    small = [*TINY, "training=quick"]
    for arguments in (
        ("-m", "split=kfold", "split.fold=0,1", "model=bias,dot", "embed_dim=4,8"),
        ("model=bias", "seed=1"),
    ):
        done = cfexp(*arguments, *small, cwd=folder)
        assert done.returncode == 0, done.stderr
    return folder


def test_sweep_is_compared(tracked: Path) -> None:
    """Folds together; without TensorFlow; as the files say."""
    code = (
        "import sys; from cfexp.cli import run_command\n"
        "status = run_command('cfexp.compare.command', sys.argv[1:])\n"
        "assert not {'tensorflow', 'keras'} & sys.modules.keys()\n"
        "sys.exit(status)"
    )
    done = cfexp(
        *("--sweep", "latest", "--output", "out"),
        cwd=tracked,
        command=(sys.executable, "-c", code),
    )
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(tracked / "out/compare.csv", index_col="system")
    assert set(table.index) == {"bias embed_dim=4", "bias embed_dim=8"} | {
        f"dot embed_dim={k}" for k in (4, 8)
    }
    assert (table["runs"] == 2).all()
    assert table["difference"].iloc[0] == 0
    client = mlflow.MlflowClient(f"sqlite:///{tracked / 'mlflow.db'}")
    runs = client.search_runs(["1"], "params.`model.name` = 'bias'")
    folds = [r for r in runs if "split.fold" in r.data.params]
    # Folds of the same size: the mean of squares.
    expected = np.sqrt(np.mean([r.data.metrics["test_rmse"] ** 2 for r in folds]))
    assert table.loc["bias embed_dim=4", "rmse"] == pytest.approx(expected, rel=1e-6)
    (parent,) = client.search_runs(["1"], "tags.`cfexp.kind` = 'sweep'")
    kept = client.list_artifacts(parent.info.run_id, "compare")
    names = ("compare.csv", "compare.html", "experiment")
    assert {f.path for f in kept} == {f"compare/{name}" for name in names}
    page = (tracked / "out/compare.html").read_text()
    assert page.count("data:image/png;base64,") == 2
    assert "Leaderboard" in page
    # The best on validation, to be run as it is.
    best = min(runs, key=lambda r: r.data.metrics["val_rmse"] if r in folds else np.inf)
    done = cfexp(
        *("--config-dir", "out", "experiment=best_overrides", "split.fold=0"),
        *("tracking=none", "hydra.run.dir=best"),
        cwd=tracked,
    )
    assert done.returncode == 0, done.stderr
    config = (tracked / "best/results/config.yaml").read_text()
    assert "n_ratings: 3000" in config
    assert f"name: {best.data.params['model.name']}" in config
    assert "dot embed_dim=8" in page
    assert "http" not in page


def test_different_test_rows_are_refused(tracked: Path) -> None:
    client = mlflow.MlflowClient(f"sqlite:///{tracked / 'mlflow.db'}")
    found = client.search_runs(["1"], "tags.`cfexp.kind` = 'train'")
    other, fold = found[0].info.run_id, found[1].info.run_id
    done = cfexp("compare", other, fold, cwd=tracked)
    assert done.returncode == 1
    assert "tested on different rows" in done.stderr
    assert "Traceback" not in done.stderr
    (parent,) = client.search_runs(["1"], "tags.`cfexp.kind` = 'sweep'")
    done = cfexp("compare", other, parent.info.run_id, cwd=tracked)
    assert "is no finished training" in done.stderr
    done = cfexp("compare", other, fold, "--force", cwd=tracked)
    assert done.returncode == 0, done.stderr
    assert "different splits: only" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no-such-run"], "there is no run no-such-run"),
        (["--query", "metrics.test_rmse < 0"], "no finished training matches"),
        (["--query", "rmse <"], "cannot search for runs"),
        (["--query", "params.`model.name` = 'bias' and params.seed = '1'"], "only one"),
        (["--set", "tracking=none"], "leave out tracking=none"),
        (["--set", "tracking.uri=sqlite:////no/where.db"], "/no does not exist"),
    ],
)
def test_command_explains(tracked: Path, arguments: list[str], message: str) -> None:
    done = cfexp("compare", *arguments, cwd=tracked)
    assert done.returncode == 1, done.stdout
    assert "Traceback" not in done.stderr
    (said,) = done.stderr.splitlines()
    assert said.startswith("cfexp: error: ")
    assert message in said


def test_experiment_of_overrides() -> None:
    """Groups, values and a search's job give an experiment that does the same."""
    found = experiment(["experiment=search-ml-100k-dot", "model.l2=0.3", "model=dot"])
    assert found["defaults"] == [
        "search-ml-100k-dot",
        {"override /model": "dot"},
        "_self_",
    ]
    assert found["model"] == {"l2": 0.3}
    assert found["hydra"] == {"mode": "RUN"}
    plain = experiment(["model.layers=[8,4]", "+dataset.x=null", "experiment=quick"])
    assert plain == {
        "defaults": ["quick", "_self_"],
        "model": {"layers": [8, 4]},
        "dataset": {"x": None},
    }


def test_all_runs_of_an_experiment(tracked: Path) -> None:
    done = cfexp("compare", "--experiment", "cfexp", "--force", cwd=tracked)
    assert done.returncode == 0, done.stderr
    assert "different splits" in done.stdout
    done = cfexp("compare", "--experiment", "bob's", cwd=tracked)
    assert done.returncode == 1
    assert "no finished training matches" in done.stderr
