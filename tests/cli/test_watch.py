"""A sweep is watched from another terminal."""

import json
from pathlib import Path

import mlflow
import pytest
from helpers import cfexp, ok, share_tables
from tracked import logged

from cfexp.commands import watch
from cfexp.runtime.locks import claimed
from cfexp.tracking.connect import connect
from cfexp.tracking.database import create_database
from cfexp.tracking.settings import Tracking


@pytest.fixture
def sweep(workdir: Path) -> str:
    """A sweep of three jobs: finished, failed with a log, and running."""
    share_tables()
    create_database(f"sqlite:///{workdir / 'mlflow.db'}")
    connect(Tracking())
    (workdir / "1").mkdir()
    log = [f"line {i}" for i in range(20)]
    (workdir / "1/cfexp.log").write_text("\n".join([*log, "the last words"]))
    parent = logged("sweep", "RUNNING", name="sweep l2")
    metrics = {"val_rmse": 0.95, "test_rmse": 0.96, "best_epoch": 4}
    logged(overrides=["model.l2=1"], metrics=metrics, parent=parent)
    logged(
        status="FAILED",
        overrides=["model.l2=2"],
        error="the loss is not finite",
        folder=str(workdir / "1"),
        parent=parent,
    )
    logged(
        status="RUNNING",
        overrides=["model.l2=3"],
        epochs=[0.99, 0.91, 0.92],
        params={"training.epochs": 15},
        parent=parent,
    )
    return parent


def cells(text: str) -> dict[str, list[str]]:
    """Returns the cells of each line of the table, by job."""
    rows = [line.split("│")[2:-1] for line in text.splitlines() if line[0:1] == "│"]
    return {row[0].strip(): [cell.strip() for cell in row[1:]] for row in rows}


def test_once(workdir: Path, sweep: str) -> None:
    said = ok(cfexp("watch", sweep[:8], "--once", cwd=workdir)).stdout
    assert f"sweep {sweep[:8]}, running: 1 finished, 1 failed, 1 running" in said
    table = cells(said)
    assert table["dot l2=1"][:4] == ["finished", "4", "0.9500", "0.9600"]
    assert table["dot l2=2"][:4] == ["failed", "", "", ""]
    assert table["dot l2=3"][:4] == ["running", "3/15", "0.9100", ""]
    assert "the loss is not finite" in said
    assert "the last words" in said
    assert "line 18" in said
    assert "line 3" not in said


def test_json(workdir: Path, sweep: str) -> None:
    found = json.loads(ok(cfexp("watch", sweep, "--json", cwd=workdir)).stdout)
    assert found["sweep"]["status"] == "running"
    assert [job["epoch"] for job in found["jobs"]] == ["4", "", "3/15"]


def test_until_it_ends(
    workdir: Path, sweep: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 2:
            mlflow.MlflowClient().set_terminated(sweep, "FAILED")

    monkeypatch.setattr(watch.time, "sleep", wait)
    done = ok(cfexp("watch", sweep, "--interval", "0.5", cwd=workdir))
    assert waits == [0.5, 0.5]
    assert f"sweep {sweep[:8]}, failed: " in done.stdout
    assert f"cfexp compare --sweep {sweep[:8]}" in done.stdout


def test_killed_at_once(workdir: Path) -> None:
    """MLflow takes it to be running for ever; its lock is free."""
    share_tables()
    create_database(f"sqlite:///{workdir / 'mlflow.db'}")
    connect(Tracking())
    parent = logged("sweep", "RUNNING", name="sweep l2")
    lock = workdir / "job.lock"
    logged(status="RUNNING", parent=parent, lock=lock)
    logged(status="FAILED", pruned="after epoch 2", parent=parent)
    with claimed(lock, wait=False):
        said = ok(cfexp("watch", "--once", cwd=workdir)).stdout
        assert f"sweep {parent[:8]}, running: 1 running, 1 pruned" in said
        assert ok(cfexp("runs", "status=running", "-q", cwd=workdir)).stdout
    said = ok(cfexp("watch", cwd=workdir)).stdout  # it need not wait
    assert f"sweep {parent[:8]}, stopped: 1 stopped, 1 pruned" in said
    assert "issue the sweep again" in said
    assert not ok(cfexp("runs", "status=running", "-q", cwd=workdir)).stdout


def test_interrupt_ends_the_table_only(
    workdir: Path, sweep: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(watch.time, "sleep", interrupted)
    assert cfexp("watch", sweep, cwd=workdir).returncode == 0
    assert mlflow.MlflowClient().get_run(sweep).info.status == "RUNNING"


def test_a_job_names_its_sweep(workdir: Path, sweep: str) -> None:
    found = mlflow.MlflowClient().search_runs(["1"])
    (job,) = (r.info.run_id for r in found if "cfexp.error" in r.data.tags)
    assert f"sweep {sweep[:8]}" in ok(cfexp("watch", job, "--once", cwd=workdir)).stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["one", "two"], "cfexp watch takes one run. Got: one two"),
        (["--interval", "0"], "--interval must be > 0. Got: 0.0"),
        (["tracking=none"], "leave out tracking=none"),
        (["alone"], "is neither a sweep nor one of its jobs, but a train"),
    ],
)
def test_refusals(workdir: Path, sweep: str, arguments: list[str], said: str) -> None:
    logged(name="alone")
    done = cfexp("watch", *arguments, cwd=workdir)
    assert done.returncode == 1
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_no_sweep_yet(workdir: Path) -> None:
    done = cfexp("watch", cwd=workdir)
    assert "there is no mlflow.db in" in done.stderr
    assert not list(workdir.iterdir())
