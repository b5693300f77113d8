"""Runs are listed, shown and held against one another."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from helpers import TINY, Done, cfexp, ok, python, share_tables
from tracked import logged

from cfexp.commands.runs import age, headline
from cfexp.tracking.connect import connect
from cfexp.tracking.database import create_database
from cfexp.tracking.listed import Listed, labels
from cfexp.tracking.settings import Tracking


@pytest.fixture(scope="module")
def ids(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Ids of runs of two models, of one that failed, and of a sweep."""
    folder = tmp_path_factory.mktemp("listed")
    share_tables()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        create_database(f"sqlite:///{folder / 'mlflow.db'}")
        connect(Tracking())
        sweep = logged("sweep", name="sweep model=dot")
        found = {"sweep": sweep}
        for dim, val in ((8, 0.95), (16, 0.93)):
            found[f"dot{dim}"] = logged(
                overrides=[f"model.embed_dim={dim}", "seed=1"],
                params={"model.embed_dim": dim, "seed": 1, "model.l2": "0.10"},
                metrics={
                    "val_rmse": val,
                    "test_rmse": val + 0.01,
                    "training/n_parameters": 5e6,
                },
                parent=sweep,
            )
        found["bias"] = logged(
            model="bias", dataset="toy", rows="cd34", metrics={"val_rmse": 0.99}
        )
        found["broken"] = logged(
            status="FAILED", error="it diverged", overrides=["model.l2=9"]
        )
        yield found


def run(*arguments: str) -> Done:
    return cfexp(*arguments, cwd=Path.cwd())


def listed(*arguments: str) -> list[str]:
    """Returns the ids that are listed."""
    return ok(run("runs", "-q", *arguments)).stdout.split()


def test_newest_first(ids: dict[str, str]) -> None:
    names = ("broken", "bias", "dot16", "dot8")
    assert listed() == [ids[name] for name in names]
    assert listed("--limit", "2") == [ids["broken"], ids["bias"]]
    assert listed("kind=sweep") == [ids["sweep"]]
    assert len(listed("kind=all")) == 5


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["model=bias"], ["bias"]),
        (["model=bias,dot", "status=finished"], ["bias", "dot16", "dot8"]),
        (["status=failed"], ["broken"]),
        (["dataset=ml-100k", "split=random"], ["broken", "dot16", "dot8"]),
        (["split=kfold"], []),
        (["embed_dim=16"], ["dot16"]),
        (["model.l2=0.1", "seed=1"], ["dot16", "dot8"]),
        (["--sweep", "latest"], ["dot16", "dot8"]),
        (["--sweep", "latest", "--sort", "val_rmse", "--reverse"], ["dot8", "dot16"]),
        (["--query", "metrics.val_rmse < 0.96"], ["dot16", "dot8"]),
        (["--sort", "val_rmse", "status=finished"], ["dot16", "dot8", "bias"]),
    ],
)
def test_filters(ids: dict[str, str], arguments: list[str], names: list[str]) -> None:
    assert listed(*arguments) == [ids[name] for name in names]


def test_table_fits_and_cuts_no_number(ids: dict[str, str]) -> None:
    said = ok(cfexp("runs", cwd=Path.cwd(), env={"COLUMNS": "80"})).stdout
    lines = said.splitlines()
    assert max(map(len, lines)) <= 80
    (line,) = (line for line in lines if ids["dot16"][:8] in line)
    cells = [cell.strip() for cell in line.split("│")[1:-1]]
    assert cells[1].startswith("dot")
    assert cells[2:-1] == ["ml-100k", "finished", "0.9300", "0.9400"]


def test_json(ids: dict[str, str]) -> None:
    (found,) = json.loads(ok(run("runs", "--json", "model=bias")).stdout)
    assert found["run_id"] == ids["bias"]
    assert found["metrics"] == {"val_rmse": 0.99}
    assert found["kind"] == "train"
    shown = json.loads(ok(run("show", ids["dot8"][:6], "--json")).stdout)
    assert shown["params"]["model.embed_dim"] == "8"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["modle=x"], "has modle=x (did you mean model"),
        (
            ["model=nfc"],
            "no run in experiment 'cfexp' of sqlite:///mlflow.db has model",
        ),
    ],
)
def test_nothing_found(ids: dict[str, str], arguments: list[str], said: str) -> None:
    assert said in ok(run("runs", *arguments)).stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["runs", "dot"], "cfexp runs takes name=value, such as model=dot. Got: dot"),
        (["runs", "kind=tree"], "kind must be one of train, sweep, cv, evaluate, all"),
        (["runs", "--limit", "0"], "--limit must be >= 1. Got: 0"),
        (["runs", "--sort", "rmsee"], "none of these runs has a metric rmsee"),
        (["runs", "--query", "x <"], "cannot search for runs"),
        (["runs", "tracking=none"], "leave out tracking=none"),
        (["show", "nosuch"], "there is no run nosuch in"),
        (["show", "latest", "best"], "cfexp show takes one run. Got: latest best"),
        (["diff", "latest"], "cfexp diff takes two runs. Got: latest"),
    ],
)
def test_refusals(ids: dict[str, str], arguments: list[str], said: str) -> None:
    done = run(*arguments)
    assert done.returncode == 1
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_show(ids: dict[str, str]) -> None:
    said = " ".join(ok(run("show", ids["dot8"])).stdout.split())
    for line in (
        "data ml-100k, split random",
        "val_rmse 0.9500",
        f"parent {ids['sweep']}",
        "embed_dim=8 l2=0.10 name=dot",
        f"cfexp reproduce {ids['dot8'][:8]}",
    ):
        assert line in said
    assert "n_parameters" not in said
    assert (
        "training/n_parameters  5,000,000" in ok(run("show", ids["dot8"], "-v")).stdout
    )
    said = ok(run("show", ids["broken"])).stdout
    assert "it diverged" in said
    assert "cfexp model=dot model.l2=9 training.resume=true" in said
    assert (
        f"cfexp compare --sweep {ids['sweep'][:8]}"
        in ok(run("show", ids["sweep"])).stdout
    )


def test_diff(ids: dict[str, str]) -> None:
    said = ok(run("diff", ids["dot8"], ids["dot16"])).stdout
    rows = [line for line in said.splitlines() if line.startswith("│ ")]
    assert [row.split("│")[1].strip() for row in rows] == [
        *("model.embed_dim", "test_rmse", "val_rmse")
    ]
    assert "│ model.embed_dim │ 8        │ 16       │".replace(" ", "") in said.replace(
        " ", ""
    )
    assert "-0.0200" in said
    assert "different rows" not in said
    assert (
        "tested on different rows" in ok(run("diff", ids["dot8"], ids["bias"])).stdout
    )
    found = json.loads(ok(run("diff", ids["dot8"], ids["dot16"], "--json")).stdout)
    assert found["options"] == {"model.embed_dim": ["8", "16"]}


def test_labels_tell_runs_apart() -> None:
    """By what not all share; with the name where one was given."""

    def run(name: str, *overrides: str) -> Listed:
        tags = {"cfexp.model": "dot", "cfexp.overrides": json.dumps(overrides)}
        return Listed("1", name, "finished", datetime.now(), tags=tags)

    auto = run("model=dot seed=1", "model=dot", "seed=1", "+model.l2=1")
    runs = [auto, run("mine", "model=dot", "seed=1", "split.fold=2"), run("dot")]
    assert labels(runs[:2]) == ["dot l2=1", "mine: dot fold=2"]
    assert labels(runs) == ["dot seed=1 l2=1", "mine: dot seed=1 fold=2", "dot"]
    assert labels([run("dot")]) == ["dot"]


def test_age() -> None:
    for past, said in ((5, "5 s"), (300, "5 min"), (7300, "2 h"), (200_000, "2 d")):
        assert age(datetime.now() - timedelta(seconds=past)) == said


def test_nothing_is_made_where_there_is_nothing(workdir: Path) -> None:
    """No database, and MLflow is not even imported."""
    for arguments in (["runs"], ["show", "latest"], ["diff", "latest", "best"]):
        done = cfexp(*arguments, cwd=workdir)
        assert "there is no mlflow.db in" in done.stderr
    assert not list(workdir.iterdir())


@pytest.mark.slow
def test_folder_needs_no_tracking(workdir: Path) -> None:
    """And a listing imports neither TensorFlow nor MLflow."""
    for dim in ("r8", "r9"):
        where = [f"model.iterations={dim[1]}", f"hydra.run.dir={dim}", "tracking=none"]
        ok(cfexp("model=bias", *TINY, *where, cwd=workdir))
    code = (
        "import sys; from cfexp.cli import run_arguments\n"
        "sys.argv[0] = 'cfexp'; code = run_arguments()\n"
        "heavy = ('tensorflow', 'keras', 'mlflow', 'sklearn', 'matplotlib')\n"
        "print('HEAVY', [m for m in heavy if m in sys.modules], code)"
    )
    done = python(code, "diff", "r8", "r9", cwd=workdir)
    assert "HEAVY [] 0" in done.stdout, done.stderr
    assert "model.iterations" in done.stdout
    assert "model.reg_user" not in done.stdout
    said = ok(cfexp("show", "r8", cwd=workdir)).stdout
    assert "iterations=8" in said
    done = cfexp("show", "outputs", cwd=workdir)
    assert done.returncode == 1


def test_metrics_that_the_runs_have() -> None:
    """RMSE, or NDCG of those that learned to rank."""

    def found(*metrics: str) -> Listed:
        about = ({}, dict.fromkeys(metrics, 0.5), {}, "")
        return Listed(None, "x", "finished", datetime.now(), None, *about)

    rated = found("val_rmse", "test_rmse", "ranking/full_ndcg_10")
    ranked = found("ranking/val_full_ndcg_10", "ranking/full_ndcg_10", "seconds_fit")
    rmse = {"val_rmse": "val_rmse", "test_rmse": "test_rmse"}
    ndcg = {
        "val_ndcg_10": "ranking/val_full_ndcg_10",
        "test_ndcg_10": "ranking/full_ndcg_10",
    }
    assert headline([rated]) == rmse
    assert headline([ranked]) == ndcg
    assert headline([rated, ranked]) == rmse | ndcg
    assert headline([found()]) == rmse  # failed
