"""``cfexp plan``: what a sweep would do."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from helpers import TINY, cfexp, ok, python

from cfexp.config.build import build
from cfexp.config.compose import compose
from cfexp.runs.job import Job
from cfexp.tracking.glance import glance
from cfexp.tracking.settings import Tracking

TABLES = """
CREATE TABLE experiments (experiment_id, name);
CREATE TABLE runs (run_uuid, status, lifecycle_stage, experiment_id);
CREATE TABLE tags (run_uuid, key, value);
CREATE TABLE params (run_uuid, key, value);
CREATE TABLE latest_metrics (run_uuid, key, value);
INSERT INTO experiments VALUES (1, 'cfexp'), (2, 'other');
"""


def planned(*arguments: str, cwd: Path) -> dict[str, object]:
    """Returns what ``cfexp plan --json`` prints."""
    done = cfexp("plan", *arguments, "--json", cwd=cwd)
    found = json.loads(done.stdout)
    assert done.returncode == bool(found["wrong"])
    assert isinstance(found, dict)
    return found


def key_of(*overrides: str) -> str:
    """Returns the key of a job, of its own data."""
    request = build(compose(list(overrides)))
    job = Job(
        experiment=request.experiment,
        tracking=request.tracking,
        folder=Path(),
        name="",
    )
    return job.key(job.experiment.load())


def track(workdir: Path, *overrides: str, status: str, experiment: int = 1) -> str:
    """Adds a run to a database of MLflow's tables; returns its job's key."""
    request = build(compose(list(overrides)))
    data = request.experiment.load()
    key = key_of(*overrides)
    tags = {
        "cfexp.job_key": key,
        "cfexp.model": request.experiment.model.name,
        "cfexp.data_sha256": data.ratings.fingerprint,
        "cfexp.split_sha256": data.split.fingerprint,
        "cfexp.owner": json.dumps({"lock": str(workdir / "absent.lock")}),
    }
    params = {k: str(v) for k, v in request.experiment.params().items()}
    numbers = {"total_seconds": 3.0, "training/peak_memory_mb": 700.0}
    with closing(sqlite3.connect(workdir / "mlflow.db")) as base, base:
        (n,) = base.execute("SELECT count(*) FROM runs").fetchone()
        base.execute(
            "INSERT INTO runs VALUES (?, ?, 'active', ?)", [n, status, experiment]
        )
        for table, values in (
            ("tags", tags),
            ("params", params),
            ("latest_metrics", numbers),
        ):
            rows = [(n, *item) for item in values.items()]
            base.executemany(f"INSERT INTO {table} VALUES (?, ?, ?)", rows)
    return key


def test_states_and_costs(workdir: Path) -> None:
    """By earlier runs; those of other data and experiments do not count."""
    with closing(sqlite3.connect(workdir / "mlflow.db")) as base, base:
        base.executescript(TABLES)
    one = [*TINY, "model=bias"]
    track(workdir, *one, "seed=0", status="FINISHED")
    track(workdir, *one, "seed=1", status="FAILED")
    key = track(workdir, *one, "seed=2", status="KILLED")
    track(workdir, *one, "seed=3", status="FINISHED", experiment=2)
    (workdir / "checkpoints").mkdir()
    (workdir / "checkpoints" / f"{key}.npz").touch()
    found = planned(*one, "seed=0,1,2,3", cwd=workdir)
    assert [run["state"] for run in found["runs"]] == [  # type: ignore[attr-defined]
        "finished",
        "failed, to train again",
        "to resume",
        "new",
    ]
    assert found["seconds"] == 9.0
    assert {run["memory_mb"] for run in found["runs"]} == {700.0}  # type: ignore[attr-defined]
    other = planned(*one, "dataset.n_ratings=2000", cwd=workdir)
    (run,) = other["runs"]  # type: ignore[misc]
    assert (run["state"], run["seconds"]) == ("new", None)
    again = planned(*one, "rerun=true", "seed=0,1", cwd=workdir)
    assert again["states"] == {"new": 2}


def test_jobs_of_a_plan(workdir: Path) -> None:
    """Equal and wrong ones, folds, and a single run."""
    found = planned("model=bias,dot", "embed_dim=4,8,0", "seed=0,1", cwd=workdir)
    assert len(found["runs"]) == 6  # type: ignore[arg-type]
    assert len(found["duplicates"]) == 4  # type: ignore[arg-type]
    assert len(found["wrong"]) == 2  # type: ignore[arg-type]
    assert found["states"] == {"new": 6}  # there is no mlflow.db yet
    found = planned("model=bias,dot", "members=1,2", cwd=workdir)
    assert (len(found["runs"]), len(found["duplicates"])) == (3, 1)  # type: ignore[arg-type]
    folds = planned("model=mean,bias", "cv=3", "seeds=2", cwd=workdir)
    assert len(folds["runs"]) == 12  # type: ignore[arg-type]
    search = planned("search=wide/dot", "hydra.sweeper.n_trials=7", cwd=workdir)
    assert search["states"] == {"new": 7}
    done = ok(cfexp("plan", "model=bias", cwd=workdir))
    assert "1 new; 1 run of unknown time" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 100
    assert not list(workdir.iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["modle=dot"], "there is no option modle (did you mean mode"),
        (["model=dot", "split.test_size=2"], "split.test_size must be > 0 and < 1"),
        (["model=bias", "embed_dim=4"], "embed_dim=4: model=bias has none"),
        (["mode=predict", "run_id=latest", "pairs=p.csv"], "is for trainings"),
        (["--config-dir", "absent", "model=bias"], "there is no folder"),
    ],
)
def test_plan_of_a_wrong_run(workdir: Path, arguments: list[str], message: str) -> None:
    done = cfexp("plan", *arguments, cwd=workdir)
    assert done.returncode == 1
    (said,) = done.stderr.splitlines()
    assert message in said


def test_database_that_cannot_be_read(workdir: Path) -> None:
    (workdir / "mlflow.db").write_text("no database" * 100)
    assert "cannot be read: file is not a database" in str(glance(Tracking()))
    assert glance(Tracking(enabled=False)) == []
    assert "is not asked" in str(glance(Tracking(uri="http://localhost:1")))


@pytest.mark.slow
def test_plan_knows_mlflows_own_tables(workdir: Path) -> None:
    """After a real run; and it imports neither TensorFlow nor MLflow."""
    ok(cfexp("model=bias", *TINY, cwd=workdir))
    (found,) = planned("model=bias", *TINY, cwd=workdir)["runs"]  # type: ignore[misc]
    assert found["state"] == "finished"
    assert found["memory_mb"] > 50
    done = python(
        "import sys; from cfexp.cli import run_arguments\n"
        "assert run_arguments() == 0\n"
        "heavy = {'tensorflow', 'mlflow', 'sklearn', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy",
        *("plan", "model=bias,mean", *TINY),
        cwd=workdir,
    )
    assert done.returncode == 0, done.stderr
