"""Files, plots and MLflow of a finished job, while the next one trains."""

import json
import threading
from pathlib import Path

import pandas as pd
import pytest
from helpers import FITTED, TINY, cfexp, ok, python
from tracked import check_job, client, metrics_of, runs

import cfexp as api
from cfexp.errors import TrainingError
from cfexp.runs import results
from cfexp.runs.job import Job
from cfexp.runs.paperwork import MAX_WAITING, Paperwork, in_background
from cfexp.tracking.settings import Tracking
from cfexp.training import member

MOMENT = 60  # seconds; a test that waits so long has failed


def test_few_jobs_wait_and_errors_are_kept() -> None:
    paperwork, go, done = Paperwork(), threading.Event(), []

    def fail() -> None:
        raise TrainingError("the disk is full")

    for number in range(1 + MAX_WAITING):
        paperwork.make_room()
        paperwork.add(str(number), "job", lambda n=number: (go.wait(), done.append(n)))
    full = threading.Thread(target=paperwork.make_room)
    full.start()
    full.join(0.1)
    assert full.is_alive()
    assert not done
    go.set()
    full.join(MOMENT)
    assert not full.is_alive()
    paperwork.add("bad", "job", fail)
    paperwork.wait_for("bad")
    assert done == [0, 1, 2]
    paperwork.finish()
    assert [str(error) for error in paperwork.errors] == ["the disk is full"]


def test_the_error_of_the_block_comes_first() -> None:
    with pytest.raises(ValueError, match="own"), in_background():
        raise ValueError("own")


@pytest.mark.parametrize("wanted", [None, True, False])
def test_jobs_of_a_series_have_pictures_only_where_asked_for(
    workdir: Path, wanted: bool | None
) -> None:
    tracking = Tracking(plots=wanted)
    job = Job(experiment=api.compose(), tracking=tracking, folder=workdir, name="one")
    assert job.in_a_series().tracking.plots is bool(wanted)
    assert job.tracking.plots is wanted


@pytest.mark.slow
def test_next_job_trains_meanwhile(
    workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the same numbers as alone, in a sweep and in its folds."""
    trains, write, run_epoch = threading.Event(), results.write, member.Member.run_epoch
    seen = []

    def write_late(job: object, *args: object, **more: object) -> None:
        if not seen:  # until the second job trains
            seen.append(trains.wait(MOMENT))
        write(job, *args, **more)  # type: ignore[arg-type]

    def note(self: member.Member, number: int) -> object:
        if self.seed == 1:
            trains.set()
        return run_epoch(self, number)

    sweep = [*FITTED, "deterministic=true", "training.checkpoint_every=1"]
    with monkeypatch.context() as patch:
        patch.setattr(results, "write", write_late)
        patch.setattr(member.Member, "run_epoch", note)
        ok(cfexp("-m", "seed=0,1", *sweep, "hydra.sweep.dir=all", cwd=workdir))
        assert seen == [True]
        trains.clear()
        seen.clear()
        ok(cfexp("seeds=2", *sweep, "rerun=true", "hydra.run.dir=cv", cwd=workdir))
        assert seen == [True]
    ok(cfexp("seed=1", *sweep, "hydra.run.dir=alone", cwd=workdir))
    alone = metrics_of(workdir / "alone")
    assert metrics_of(workdir / "all/1") == alone
    assert metrics_of(workdir / "cv/1") == alone
    for run in runs(workdir):
        check_job(workdir, run, epochs=2)
    assert not list((workdir / "checkpoints").iterdir())
    repeats = pd.read_csv(workdir / "cv/results/repeats.csv")
    assert repeats["test_rmse"][1] == pytest.approx(alone["test_rmse"])


@pytest.mark.slow
def test_a_second_job_of_a_kind_waits_for_the_first(
    workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the key under which the first one is left to the thread."""
    keys: dict[str, list[str]] = {"wait_for": [], "add": []}
    for name, seen in keys.items():
        method = getattr(Paperwork, name)

        def noted(  # type: ignore[no-untyped-def]
            self, key, *rest, method=method, seen=seen
        ):
            seen.append(key)
            return method(self, key, *rest)

        monkeypatch.setattr(Paperwork, name, noted)
    ok(cfexp("-m", "model=bias", "seed=0,1", *TINY, cwd=workdir))
    assert not list(workdir.glob("multirun/**/*.png"))  # few jobs are looked at
    assert len(set(keys["add"])) == 2
    assert keys["add"] == keys["wait_for"]


@pytest.mark.slow
def test_job_that_cannot_be_written_has_failed(
    workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That job alone: in the leaderboard, in MLflow and in the exit status."""
    write = results.write

    def fill_the_disk(job: object, *args: object, **more: object) -> None:
        write(job, *args, **more)  # type: ignore[arg-type]
        if job.experiment.seed == 1:  # type: ignore[attr-defined]
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(results, "write", fill_the_disk)
    sweep = ["-m", "model=bias", "seed=0,1,2", *TINY, "hydra.sweep.dir=all"]
    done = cfexp(*sweep, cwd=workdir)
    assert done.returncode == 1
    (said,) = [line for line in done.stderr.splitlines() if "[ERROR]" in line]
    assert said.startswith("[ERROR] seed=1 model=bias ")
    assert "No space left on device" in said
    assert "cfexp: error: No space left on device" in done.stderr
    board = pd.read_csv(workdir / "all/leaderboard.csv").set_index("job")
    failed = board.index[board["status"] == "failed"]
    assert [name.split()[1] for name in failed] == ["seed=1"]
    assert not (workdir / "all/1/results/metrics.json").exists()
    status = {run.data.params["seed"]: run.info.status for run in runs(workdir)}
    assert status == {"0": "FINISHED", "1": "FAILED", "2": "FINISHED"}
    (parent,) = runs(workdir, "sweep")
    assert parent.info.status == "FAILED"
    monkeypatch.undo()
    ok(cfexp(*sweep, cwd=workdir))
    board = pd.read_csv(workdir / "all/leaderboard.csv")
    assert sorted(board["status"]) == ["finished", "finished before", "finished before"]
    assert [run.info.status for run in runs(workdir)] == ["FINISHED"] * 3


# Told to stop, or killed, when the second job has trained for one epoch; the first is
# then being written.
STOPPED = """
import os, signal, sys, threading
number = getattr(signal, sys.argv.pop(1))
from cfexp.runs import results
from cfexp.training import checkpoint
write, save = results.write, checkpoint.save
trains = threading.Event()
def write_late(job, *args, **more):
    assert job.experiment.seed or trains.wait(60)
    write(job, *args, **more)
results.write = write_late
def save_and_stop(path, state):
    save(path, state)
    if save_and_stop.first not in (None, path):
        trains.set() if number == signal.SIGTERM else None
        os.kill(os.getpid(), number)
    save_and_stop.first = path
save_and_stop.first = None
checkpoint.save = save_and_stop
from cfexp.cli import main; main()
"""


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("number", ["SIGTERM", "SIGKILL"])
def test_stopped_while_a_job_is_written(workdir: Path, number: str) -> None:
    """Finished if told to stop; else resumed, and not trained again."""
    sweep = ["-m", "seed=0,1", *FITTED, "training.checkpoint_every=1"]
    stopped = python(STOPPED, number, *sweep, cwd=workdir)
    first, second = runs(workdir)
    if number == "SIGTERM":
        assert stopped.returncode == 143, stopped.stderr
        assert [first.info.status, second.info.status] == ["FINISHED", "KILLED"]
        check_job(workdir, first, epochs=2)
    else:
        assert stopped.returncode == -9, stopped.stderr
        assert [first.info.status, second.info.status] == ["RUNNING", "RUNNING"]
    ok(cfexp(*sweep, cwd=workdir))
    resumed = 1 if number == "SIGTERM" else 2
    logs = [p.read_text() for p in workdir.glob("multirun/*/*/*/cfexp.log")]
    assert sum("from its checkpoint" in text for text in logs) == resumed
    found = runs(workdir)
    assert {run.info.run_id for run in found} == {first.info.run_id, second.info.run_id}
    for run in found:
        check_job(workdir, run, epochs=2)
        names = {f.path for f in client(workdir).list_artifacts(run.info.run_id)}
        assert {"test_predictions.parquet", "model_card.html"} <= names
        folder = Path(run.data.tags["cfexp.folder"])
        logged = json.loads((folder / "results/metrics.json").read_text())
        assert run.data.metrics["test_rmse"] == logged["test_rmse"]
    assert not list((workdir / "checkpoints").iterdir())
