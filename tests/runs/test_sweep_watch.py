"""The files by which jobs in other processes say how far they are."""

import json
from pathlib import Path

import pytest

from cfexp.errors import ConfigError
from cfexp.runs.job_report import JobReport, note, stop
from cfexp.runs.sweep_watch import Watch
from cfexp.runtime.epochs import Progress
from cfexp.runtime.job_status import (
    FAILED,
    FINISHED,
    PRUNED,
    RUNNING,
    STATUS,
    STOPPED,
    JobStatus,
)

NEW = JobStatus("mine", 2, ("model=dot",), started=1.0)


def report(folder: Path, shown: list[JobStatus]) -> JobReport:
    return JobReport(folder, NEW, shown.append)


def test_report_is_written_and_shown(tmp_path: Path) -> None:
    shown: list[JobStatus] = []
    with report(tmp_path, shown) as mine:
        assert JobStatus.read(tmp_path) == NEW
        mine.hear(Progress("training", 3, 15, ("val RMSE 0.9",)))
        assert shown[-1].epoch == 3
        note(FINISHED, {"val_rmse": 0.9, "n_users": 7})
        assert shown[-1].state == RUNNING  # files may still be written
    mine.end(FINISHED)
    found = JobStatus.read(tmp_path)
    assert found == shown[-1]
    assert found.state == FINISHED
    assert found.metrics == {"val_rmse": 0.9}
    assert found.seconds > 0
    note(FAILED, {})  # nobody's
    assert JobStatus.read(tmp_path) == found


def test_noted_state_is_kept_but_for_failures(tmp_path: Path) -> None:
    for noted, ended, error, expected in (
        (PRUNED, FINISHED, "", PRUNED),
        (FINISHED, FAILED, "no space left", FAILED),
    ):
        mine = report(tmp_path, [])
        mine.note(noted, {})
        mine.end(ended, error)
        assert JobStatus.read(tmp_path).state == expected  # type: ignore[union-attr]


def test_stopped_job(tmp_path: Path) -> None:
    with report(tmp_path, []):
        stop()
    assert JobStatus.read(tmp_path).state == STOPPED  # type: ignore[union-attr]


def test_own_file_of_the_user_is_kept(tmp_path: Path) -> None:
    (tmp_path / STATUS).write_text("mine")
    with pytest.raises(ConfigError, match=r"status\.json is there and is not cfexp's"):
        report(tmp_path, [])
    assert (tmp_path / STATUS).read_text() == "mine"


def test_watch_shows_each_change_once(tmp_path: Path) -> None:
    shown: list[JobStatus] = []
    watch = Watch(tmp_path, "mine", shown.append)
    for name, sweep in (("0", "mine"), ("1", "another")):
        (tmp_path / name).mkdir()
        JobStatus(sweep, int(name), (), started=1.0).write(tmp_path / name)
    (tmp_path / "2").mkdir()
    (tmp_path / "2" / STATUS).write_text("{")  # not written by cfexp, or damaged
    watch.look()
    watch.look()
    assert [one.number for one in shown] == [0]
    JobStatus("mine", 0, (), started=1.0, epoch=2).write(tmp_path / "0")
    watch.look()
    assert [one.epoch for one in shown] == [0, 2]


def test_watch_sees_the_last_change(tmp_path: Path) -> None:
    shown: list[JobStatus] = []
    watch = Watch(tmp_path, "mine", shown.append)
    watch.start()
    (tmp_path / "0").mkdir()
    JobStatus("mine", 0, (), started=1.0, state=FINISHED).write(tmp_path / "0")
    watch.stop()
    assert shown[-1].state == FINISHED


def test_status_of_a_later_version_is_nothing(tmp_path: Path) -> None:
    NEW.write(tmp_path)
    found = json.loads((tmp_path / STATUS).read_text())
    (tmp_path / STATUS).write_text(json.dumps({**found, "unknown": 1}))
    assert JobStatus.read(tmp_path) is None
