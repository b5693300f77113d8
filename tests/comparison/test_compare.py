"""Runs of MLflow compared."""

import json
from html import escape
from pathlib import Path
from types import SimpleNamespace

import mlflow
import numpy as np
import pandas as pd
import pytest
from helpers import TINY, cfexp, ok, python
from pages import check_self_contained, tables_of

from cfexp.comparison.best import experiment, write_best
from cfexp.comparison.systems import System, measured, systems
from cfexp.comparison.verdict import sentences


@pytest.fixture(scope="module")
def tracked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Systems on two folds each, and one on another split."""
    folder = tmp_path_factory.mktemp("tracked")
    small = [*TINY, "training=quick"]
    for arguments in (
        ("-m", "split=kfold", "split.fold=0,1", "model=bias,dot", "embed_dim=4,8"),
        ("model=bias", "seed=1"),
    ):
        done = cfexp(*arguments, *small, cwd=folder)
        assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.slow
def test_sweep_is_compared(tracked: Path) -> None:
    """Folds together; without TensorFlow; as the files say."""
    code = (
        "import sys; from cfexp.cli import run_command\n"
        "status = run_command('cfexp.commands.compare', sys.argv[1:])\n"
        "assert not {'tensorflow', 'keras'} & sys.modules.keys()\n"
        "sys.exit(status)"
    )
    done = python(code, "--sweep", "latest", "--output", "out", cwd=tracked)
    assert done.returncode == 0, done.stderr
    # Of 3,000 rows, two of five folds.
    assert " on 1,200 distinct test rows of 99 users" in done.stdout
    # A twentieth of the others validates; bias is fitted to it, too.
    rows = "2,400 (bias); 2,280 (dot embed_dim=4, dot embed_dim=8) rows"
    assert rows in " ".join(done.stdout.split())
    table = pd.read_csv(tracked / "out/compare.csv", index_col="system")
    # The bias model has no embed_dim, and was trained once on each fold.
    assert set(table.index) == {"bias", "dot embed_dim=4", "dot embed_dim=8"}
    assert (table["runs"] == 2).all()
    assert table["difference"].iloc[0] == 0
    client = mlflow.MlflowClient(f"sqlite:///{tracked / 'mlflow.db'}")
    runs = client.search_runs(["1"], "params.`model.name` = 'bias'")
    folds = [r for r in runs if "split.fold" in r.data.params]
    # Folds of the same size: the mean of squares.
    expected = np.sqrt(np.mean([r.data.metrics["test_rmse"] ** 2 for r in folds]))
    assert table.loc["bias", "rmse"] == pytest.approx(expected, rel=1e-6)
    (parent,) = client.search_runs(["1"], "tags.`cfexp.kind` = 'sweep'")
    kept = client.list_artifacts(parent.info.run_id, "compare")
    names = ("compare.csv", "compare.html", "experiment")
    assert {f.path for f in kept} == {f"compare/{name}" for name in names}
    page = (tracked / "out/compare.html").read_text()
    assert rows in page
    check_self_contained(page)
    # Each number of the table, in full; the leaderboard's and the runs', too.
    (found, board, each) = tables_of(page)
    as_said = table.sort_values("rmse")
    assert found.columns.tolist() == ["system", *as_said]
    left = found.set_index("system").astype(as_said.dtypes)
    pd.testing.assert_frame_equal(left, as_said, rtol=1e-12)
    assert set(board["system"]) == set(table.index)
    assert set(each["run"]) >= {run.info.run_id for run in folds}
    assert each["bias RMSE"].notna().all()
    assert each["dataset"].unique().tolist() == ["synthetic"]
    for said in sentences(table.reset_index()):
        assert f"<p>{escape(said)}.</p>" in page
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
    assert f".{best.data.params['model.name'].title()}\n" in config


@pytest.mark.slow
def test_own_metrics_are_tested_by_row(tracked: Path) -> None:
    """Those that are a mean over rows, as logged; others are refused in one line."""
    (tracked / "own_metric.py").write_text(
        "import numpy as np\n\n\ndef far(rating, predicted):\n"
        "    return np.mean(np.abs(predicted - rating) > 1)\n\n\n"
        "def linked(rating, predicted):\n"
        "    return np.corrcoef(rating, predicted)[0, 1]\n"
    )
    (tracked / "mine/metrics").mkdir(parents=True)
    for name in ("far", "linked"):
        text = f"# @package metrics.{name}\n_target_: own_metric.{name}\n"
        (tracked / f"mine/metrics/{name}.yaml").write_text(text)
    compare = ["compare", "--sweep", "latest", "--output", "own", "--metric"]
    found = {}
    for name, options in (("within", []), ("far", ["--config-dir", "mine"])):
        done = ok(cfexp(*compare, name, *options, "--json", cwd=tracked))
        found[name] = json.loads(done.stdout)["systems"]
        assert "1,200 distinct test rows" in json.loads(done.stdout)["title"]
    client = mlflow.MlflowClient(f"sqlite:///{tracked / 'mlflow.db'}")
    runs = client.search_runs(["1"], "params.`model.name` = 'bias'")
    paths = [r.info.artifact_uri for r in runs if "split.fold" in r.data.params]
    rows = pd.concat(pd.read_parquet(f"{p}/test_predictions.parquet") for p in paths)
    error = (rows["predicted"] - rows["rating"]).abs()
    for name, value in (("within", (error <= 0.5).mean()), ("far", (error > 1).mean())):
        (bias,) = (one for one in found[name] if one["system"] == "bias")
        assert bias[name] == pytest.approx(value)
    done = ok(cfexp(*compare, "within", cwd=tracked))
    assert "above 0 is better" in " ".join(done.stdout.split())
    done = cfexp(*compare, "linked", "--config-dir", "mine", cwd=tracked)
    assert "metrics.linked is no mean over rows, and cannot be tested" in done.stderr
    done = cfexp(*compare, "withn", cwd=tracked)
    assert "--config-dir: within. Got: 'withn' (did you mean within?" in done.stderr


@pytest.mark.slow
def test_errors_are_the_logged_ones(tracked: Path) -> None:
    """Of one run, and of folds: the root of the mean over all their rows."""
    client = mlflow.MlflowClient(f"sqlite:///{tracked / 'mlflow.db'}")
    runs = client.search_runs(["1"], "params.`model.name` = 'bias'")
    (alone,) = (run for run in runs if run.data.params["seed"] == "1")
    folds = [run for run in runs if "split.fold" in run.data.params]
    assert len(folds) == 2
    for own in ([alone], folds):
        errors, tested = measured([System(name, tuple(own)) for name in "ab"], "rmse")
        logged = pd.DataFrame([run.data.metrics for run in own])
        rows = logged["rows/test"]
        assert errors.rows.sum() == tested == rows.sum()
        rmse = np.sqrt((logged["test_rmse"] ** 2 * rows).sum() / rows.sum())
        np.testing.assert_allclose(errors.overall("rmse"), rmse, rtol=1e-12)
        mae = (logged["test_mae"] * rows).sum() / rows.sum()
        np.testing.assert_allclose(errors.overall("mae"), mae, rtol=1e-12)


def test_seeds_of_one_split_are_one_system() -> None:
    """Where the latest ratings are tested, all seeds have the same split."""
    runs = [
        SimpleNamespace(
            info=SimpleNamespace(run_id=f"{model}{seed}{age}"),
            data=SimpleNamespace(
                params={"model.name": model, "seed": seed},
                tags={"cfexp.split_sha256": "same"},
            ),
        )
        for age in ("new", "old")
        for model in "ab"
        for seed in "01"
    ]
    found = systems(runs)
    assert [[run.info.run_id for run in system.runs] for system in found] == [
        ["a1new", "a0new"],
        ["b1new", "b0new"],
    ]


@pytest.mark.slow
def test_different_test_rows_are_refused(tracked: Path) -> None:
    client = mlflow.MlflowClient(f"sqlite:///{tracked / 'mlflow.db'}")
    found = client.search_runs(["1"], "tags.`cfexp.kind` = 'train'")
    other, fold = found[0].info.run_id, found[1].info.run_id
    done = cfexp("compare", other, fold, cwd=tracked)
    assert done.returncode == 1
    assert "these runs have different splits" in done.stderr
    assert "Traceback" not in done.stderr
    (parent,) = client.search_runs(["1"], "tags.`cfexp.kind` = 'sweep'")
    done = cfexp("compare", other, parent.info.run_id, cwd=tracked)
    assert "is not a finished training" in done.stderr
    done = cfexp("compare", other, fold, "--force", cwd=tracked)
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    assert "different splits: only rows that all have tested, of " in said


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no-such-run"], "there is no run no-such-run"),
        (["--query", "metrics.test_rmse < 0"], "no finished training matches"),
        (["--query", "rmse <"], "cannot search for runs"),
        (["--query", "params.`model.name` = 'bias' and params.seed = '1'"], "only one"),
        (["tracking=none"], "leave out tracking=none"),
        (["tracking.uri=sqlite:////no/where.db"], "/no does not exist"),
    ],
)
def test_command_explains(tracked: Path, arguments: list[str], message: str) -> None:
    done = cfexp("compare", *arguments, cwd=tracked)
    assert done.returncode == 1, done.stdout
    assert "Traceback" not in done.stderr
    (said,) = done.stderr.splitlines()
    assert said.startswith("cfexp: error: ")
    assert message in said


def test_best_of_runs_from_objects_is_not_written(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Such as those of a DataFrame, which no command line can name."""
    data = SimpleNamespace(metrics={"val_rmse": 0.9}, tags={})
    best = System("dot", (SimpleNamespace(data=data),))  # type: ignore[arg-type]
    assert write_best(tmp_path, [best]) is None
    assert "is not written as an experiment: dot was trained in Python" in caplog.text


def test_experiment_of_overrides() -> None:
    """Groups, values and a search's job give an experiment that does the same."""
    said = ["search=dot", "model.l2=0.3", "experiment=ml-100k/dot", "split=kfold"]
    found = experiment(said)
    assert found["defaults"] == [
        "/experiment/ml-100k/dot",
        "/search/dot",
        {"override /split": "kfold"},
        "_self_",
    ]
    assert found["model"] == {"l2": 0.3}
    assert found["hydra"] == {"mode": "RUN"}
    plain = experiment(["model.layers=[8,4]", "+dataset.x=null", "experiment=quick"])
    assert plain == {
        "defaults": ["/experiment/quick", "_self_"],
        "model": {"layers": [8, 4]},
        "dataset": {"x": None},
        "hydra": {"mode": "RUN"},
    }
    own = experiment(["experiment=films"])  # of a --config-dir, which is not known here
    assert own["defaults"] == ["/experiment/films", "_self_"]


@pytest.mark.slow
def test_groups_are_listed_and_chosen(tracked: Path) -> None:
    """Where runs were tested on different rows: a short table, and how to choose."""
    done = cfexp("compare", cwd=tracked)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert len(done.stderr) < 300
    assert max(map(len, done.stdout.splitlines())) <= 80
    rows = [line.split("│") for line in done.stdout.splitlines() if line[0] == "│"]
    groups = [[cell.strip() for cell in row[1:-1]] for row in rows]
    assert [group[1:] for group in groups] == [
        ["synthetic", "kfold", "0", "0,1", "3", "6"],
        ["synthetic", "random", "1", "", "1", "1"],
    ]
    assert f"--rows {groups[0][0]}" in done.stderr
    for choice in (["--rows", groups[0][0]], ["split=kfold"], ["seed=0"]):
        found = json.loads(ok(cfexp("compare", "--json", *choice, cwd=tracked)).stdout)
        names = {system["system"] for system in found["systems"]}
        assert names == {"bias", "dot embed_dim=4", "dot embed_dim=8"}
        assert [system["runs"] for system in found["systems"]] == [2, 2, 2]
    said = ok(cfexp("compare", "split=kfold", "model=dot", cwd=tracked)).stdout
    assert "difference from dot embed_dim=" in said


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rows", "ffff"], "--rows=ffff fits none of these runs. There are: "),
        (["dataset=nope"], "no finished training has dataset=nope. cfexp runs lists"),
        (["latest", "best"], "are of 3 datasets or splits"),
        (["latest", "best", "split=random", "seed=1"], "have only one configuration"),
    ],
)
def test_choices_that_fit_nothing(
    tracked: Path, arguments: list[str], message: str
) -> None:
    done = cfexp("compare", *arguments, cwd=tracked)
    assert done.returncode == 1
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.slow
def test_all_runs_of_an_experiment(tracked: Path) -> None:
    done = cfexp("compare", "--experiment", "cfexp", "--force", cwd=tracked)
    assert done.returncode == 0, done.stderr
    assert "different splits" in done.stdout
    done = cfexp("compare", "--experiment", "bob's", cwd=tracked)
    assert done.returncode == 1
    assert 'there is no experiment "bob\'s" in' in done.stderr
