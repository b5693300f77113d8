"""Runs that MLflow does not take, or not at once: nothing is lost or said wrongly."""

import errno
import json
import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import mlflow
import pytest
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import (
    BAD_REQUEST,
    INVALID_PARAMETER_VALUE,
    TEMPORARILY_UNAVAILABLE,
)

from cfexp.commands.promote import main as promote
from cfexp.commands.sync import main
from cfexp.errors import ConfigError, TrackingError
from cfexp.runtime.locks import RUN_LOCK, alone_in, held
from cfexp.tracking import calls
from cfexp.tracking import run as runs
from cfexp.tracking.push import push
from cfexp.tracking.run import MlflowRun
from cfexp.tracking.settings import NewRun, Tracking
from cfexp.tracking.tracker import open_run
from cfexp.tracking.unsynced import FILE, Record

WAITS = calls.WAITS
INPUTS = {"training": ("data", "f" * 16, "{}"), "split": ("split", "e" * 16, "{}")}


def fails(times: int, code: int, job: Callable[..., object]) -> Callable[..., object]:
    """Returns a job that fails with MLflow's error `code` some times first."""
    left = [times]

    def attempt(*args: object, **kwargs: object) -> object:
        if left[0]:
            left[0] -= 1
            raise MlflowException("database is locked", code)
        return job(*args, **kwargs)

    return attempt


@pytest.mark.parametrize("code", [BAD_REQUEST, TEMPORARILY_UNAVAILABLE])
def test_database_in_the_way_loses_nothing(
    tracking: Tracking, workdir: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """As where two processes make the same dataset at once, or one locks the file."""
    monkeypatch.setattr(runs, "log_inputs", fails(2, code, runs.log_inputs))
    monkeypatch.setattr(runs, "log_batch", fails(2, code, runs.log_batch))
    monkeypatch.setattr(mlflow, "end_run", fails(2, code, mlflow.end_run))
    (workdir / "run" / "results").mkdir(parents=True)
    with MlflowRun(tracking, NewRun("r", {}, workdir / "run")) as tracked:
        tracked.log_start(params={"a": 1}, inputs=INPUTS)
        tracked.log_results({"m": 1.0}, workdir / "run" / "results")
    run = mlflow.get_run(tracked.run_id)
    assert len(run.inputs.dataset_inputs) == 2
    assert run.data.metrics == {"m": 1.0}
    assert run.info.status == "FINISHED"
    assert not (workdir / "run" / FILE).exists()


def test_eight_runs_at_once(
    tracking: Tracking, workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On one SQLite file, where all make the same datasets at the same moment."""
    monkeypatch.setattr(calls, "WAITS", WAITS)
    log_inputs, together, logged = runs.log_inputs, Barrier(8), set()

    def log_together(run_id: str, *inputs: object) -> None:
        if run_id not in logged:  # else it is tried again, by this run alone
            logged.add(run_id)
            together.wait()
        log_inputs(run_id, *inputs)

    monkeypatch.setattr(runs, "log_inputs", log_together)

    def track(number: int) -> str:
        folder = workdir / str(number)
        (folder / "results").mkdir(parents=True)
        with MlflowRun(tracking, NewRun("r", {}, folder)) as tracked:
            tracked.log_start(params={"a": number}, inputs=INPUTS)
            tracked.log_results({"m": number}, folder / "results")
        assert not (folder / FILE).exists()
        return tracked.run_id

    with ThreadPoolExecutor(8) as pool:
        found = [mlflow.get_run(run_id) for run_id in pool.map(track, range(8))]
    assert [run.data.params["a"] for run in found] == list("01234567")
    assert [run.data.metrics["m"] for run in found] == list(range(8))
    assert [len(run.inputs.dataset_inputs) for run in found] == [2] * 8
    assert {run.info.status for run in found} == {"FINISHED"}


def test_what_is_refused_for_good_is_not_tried_again(
    tracking: Tracking,
    workdir: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    refused = fails(99, INVALID_PARAMETER_VALUE, calls.log_batch)
    monkeypatch.setattr(runs, "log_batch", refused)
    monkeypatch.setattr("cfexp.tracking.push.log_batch", refused)
    with MlflowRun(tracking, NewRun("r", {}, workdir / "run")) as tracked:
        tracked.log_results({"m": 1.0}, workdir / "empty")
    (workdir / "run" / "results").mkdir()
    (workdir / "run" / "results" / "metrics.json").write_text('{"m": 1.0}')
    assert "push it to another server" in caplog.text
    assert json.loads((workdir / "run" / FILE).read_text())["status"] == "FINISHED"
    with pytest.raises(TrackingError, match="refuses a part of .*, which run"):
        push(workdir / "run")
    mlflow.end_run()


@pytest.mark.parametrize("name", ["", " ", "a/b", "a:c", "..", "n" * 257])
def test_names_of_registered_models_are_checked_first(name: str) -> None:
    values = {"enabled": True, "uri": "sqlite:///m.db", "experiment": "e"}
    values["git_diff"] = True
    with pytest.raises(ConfigError, match="register_as must be a name"):
        Tracking(**values, register_as=name)
    with pytest.raises(MlflowException):
        mlflow.utils.validation._validate_model_name(name[:256].replace("n", "/"))
    with pytest.raises(ConfigError, match="--name must be a name"):
        promote(["latest", "--name", name])


def test_refused_registration_is_said_and_loses_nothing(
    tracking: Tracking,
    workdir: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    refused = fails(99, INVALID_PARAMETER_VALUE, runs.register)
    monkeypatch.setattr(runs, "register", refused)
    with MlflowRun(tracking, NewRun("r", {}, workdir / "run")) as tracked:
        tracked._register("films", "What it is.")
    (record,) = [r for r in caplog.records if r.levelno == logging.ERROR]
    assert "refuses to register it as films" in record.getMessage()
    assert "cfexp sync" not in record.getMessage()
    assert mlflow.get_run(tracked.run_id).info.status == "FINISHED"


def test_two_runs_in_one_folder(tracking: Tracking, workdir: Path) -> None:
    """The second is refused before it writes; also without tracking."""
    for where in (tracking, tracking.replace(enabled=False)):
        with alone_in(workdir / "run"), pytest.raises(ConfigError, match="another run"):
            open_run(where, NewRun("r", {}, workdir / "run"))
    with held(workdir / "run" / RUN_LOCK, wait=False) as free:
        assert free


def test_full_disk_at_the_end(
    tracking: Tracking,
    workdir: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What was noted before is there to be pushed; nobody is locked out."""
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def fail(*_: object, **__: object) -> None:
        raise full

    with MlflowRun(tracking, NewRun("r", {}, workdir / "run")) as tracked:
        tracked.log_results({"m": 1.0}, workdir / "empty")
        tracked._mlflow.error = full
        monkeypatch.setattr("cfexp.tracking.unsynced.write_text", fail)
    assert "push it with: cfexp sync" in caplog.text
    assert Record.load(workdir / "run").run_id == tracked.run_id
    assert [file.name for file in (workdir / "run").iterdir()] == [FILE]
    main(["run"])
    assert mlflow.get_run(tracked.run_id).info.status == "FINISHED"
