"""Sweeps: their jobs, their parent run, and the same sweep again."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest
from helpers import FITTED, SMALL, TINY, cfexp, ok, python, skipped
from tracked import client, runs

from cfexp.data.ratings import Ratings

pytestmark = pytest.mark.slow


def test_sweep_goes_on_after_a_failed_job(workdir: Path) -> None:
    done = cfexp(
        "-m", "model=bias", "split.test_size=1e-6,0.1,0.2", *SMALL, cwd=workdir
    )
    assert done.returncode == 1
    assert "leaderboard, by val_rmse" in done.stdout
    assert "no test rows" in done.stderr
    boards = list(workdir.glob("multirun/*/*/leaderboard.csv"))
    status = pd.read_csv(boards[0])["status"].tolist()
    assert status == ["finished", "finished", "failed"]


def test_sweep_status_and_leaderboard(workdir: Path) -> None:
    """Each job is a child; the parent fails where a job failed, and says which won."""
    done = ok(cfexp("-m", "model=mean,bias", *TINY, cwd=workdir))
    assert "leaderboard, by val_rmse" in done.stdout
    (parent,) = runs(workdir, "sweep")
    check_screen(done.stdout, parent.info.run_id)
    assert parent.info.status == "FINISHED"
    assert parent.data.tags["cfexp.best_overrides"].startswith("model=bias")
    children = runs(workdir)
    assert [c.info.status for c in children] == ["FINISHED"] * 2
    assert {c.data.tags["mlflow.parentRunId"] for c in children} == {parent.info.run_id}
    there = client(workdir).list_artifacts(parent.info.run_id)
    assert "leaderboard.json" in [file.path for file in there]
    failed = cfexp("-m", "model=bias", "split.test_size=0.1,1e-6", *TINY, cwd=workdir)
    assert failed.returncode == 1
    assert runs(workdir, "sweep")[1].info.status == "FAILED"
    assert [c.info.status for c in runs(workdir)[2:]] == ["FINISHED", "FAILED"]


def check_screen(said: str, parent_id: str) -> None:
    """A line for each job with what varies, and what they share once; no tables."""
    assert re.search(
        r"^    2 jobs +val_rmse +test_rmse +seconds +status *$", said, re.M
    )
    assert re.search(r"^1/2 model=mean +\d\.\d{4} .* finished *$", said, re.M)
    assert re.search(r"^2/2 model=bias +\d\.\d{4} .* finished *$", said, re.M)
    assert said.count("dataset.n_ratings=3000") == 1
    assert "mean over users" not in said
    assert parent_id in said
    assert "cfexp compare --sweep latest" in said
    assert not re.search("[\x00-\x09\x0b-\x1f]", said)
    logs = sorted(Path().glob("multirun/*/*/*/cfexp.log"))
    assert len(logs) == 2
    assert all("mean over users" in log.read_text() for log in logs)


def test_verbose_sweep_prints_its_tables(workdir: Path) -> None:
    done = ok(cfexp("-v", "-m", "model=mean,bias", *SMALL, cwd=workdir))
    assert done.stdout.count("mean over users") == 2
    assert done.stdout.count("2/2 model=bias") == 1
    assert "[INFO] job 1/2: synthetic: 3,000 ratings" in done.stderr


def test_sweep_as_json(workdir: Path) -> None:
    done = ok(cfexp("-m", "--json", "model=mean,bias", *SMALL, cwd=workdir))
    found = json.loads(done.stdout)
    assert found["objective"] == "val_rmse"
    best, other = found["jobs"]
    assert best["job"].startswith("model=bias")
    assert best["val_rmse"] < other["val_rmse"]
    assert "1/2 model=mean" in done.stderr


def test_same_sweep_again_trains_nothing(workdir: Path) -> None:
    sweep = ["-m", "seed=0,1", *FITTED]
    assert cfexp(*sweep, cwd=workdir).returncode == 0
    before = {run.info.run_id: run.info.end_time for run in runs(workdir)}
    assert len(before) == 2
    code = (
        "import sys; from cfexp.cli import run_cli\n"
        "assert run_cli() == 0\n"
        "assert 'tensorflow' not in sys.modules"
    )
    again = python(code, *sweep, cwd=workdir)
    assert again.returncode == 0, again.stderr
    assert skipped(again) == 2
    assert "resuming sweep" in again.stderr
    assert {run.info.run_id: run.info.end_time for run in runs(workdir)} == before
    (parent,) = runs(workdir, "sweep")
    assert parent.info.status == "FINISHED"
    boards = sorted(workdir.glob("multirun/*/*/leaderboard.csv"))
    first, second = (pd.read_csv(b).set_index("job") for b in boards)
    assert set(second["status"]) == {"finished before"}
    assert first["val_rmse"].to_dict() == pytest.approx(second["val_rmse"].to_dict())


def test_only_the_same_job_is_skipped(workdir: Path) -> None:
    """One more seed trains one more; other data, all; rerun, all, anew."""
    sweep = ["-m", "model=bias", *TINY]
    assert cfexp("seed=1", *sweep[1:], cwd=workdir).returncode == 0
    wider = cfexp(*sweep, "seed=0,1", cwd=workdir)
    assert skipped(wider) == 1
    assert len(runs(workdir)) == 2
    (parent,) = runs(workdir, "sweep")
    assert sum(tag.startswith("cfexp.includes.") for tag in parent.data.tags) == 1
    other = cfexp(*sweep, "seed=0,1", "dataset.data_seed=1", cwd=workdir)
    assert skipped(other) == 0
    again = cfexp(*sweep, "seed=0,1", "rerun=true", cwd=workdir)
    assert skipped(again) == 0
    assert len(runs(workdir)) == 6
    assert len(runs(workdir, "sweep")) == 3
    # compare takes what the first sweep made use of for its own.
    done = cfexp("compare", "--sweep", parent.info.run_id, "--force", cwd=workdir)
    assert "only one configuration" in done.stderr


def test_changed_files_make_new_jobs(workdir: Path, ratings: Ratings) -> None:
    """Files of the split too, though their paths stay the same."""
    rows = ratings.frame
    sweep = ["-m", "model=bias,mean", "dataset=csv", "dataset.ratings=r.csv"]
    sweep += ["split=given", "split.test=t.csv"]
    files = {"r.csv": rows, "t.csv": rows[::10]}
    for name, table in files.items():
        table.to_csv(workdir / name, index=False)
    assert skipped(ok(cfexp(*sweep, cwd=workdir))) == 0
    for name, table in {"r.csv": rows[:-1], "t.csv": rows[::9]}.items():
        table.to_csv(workdir / name, index=False)
        assert skipped(ok(cfexp(*sweep, cwd=workdir))) == 0
        files[name].to_csv(workdir / name, index=False)
        assert skipped(ok(cfexp(*sweep, cwd=workdir))) == 2


def test_failed_job_is_started_again(workdir: Path) -> None:
    """What stood in its way is gone; the finished job beside it is kept."""
    (workdir / "r.csv").write_text("userId,movieId,rating\n1,1,9\n1,1,8\n")
    sweep = ["-m", "dataset=csv", "dataset.ratings=r.csv", "model=mean,bias"]
    assert cfexp(*sweep, cwd=workdir).returncode == 1
    assert [run.info.status for run in runs(workdir)] == ["FAILED", "FAILED"]
    assert [p.info.status for p in runs(workdir, "sweep")] == ["FAILED"]
    rows = "".join(f"{i},{j},{1 + (i * j) % 5}\n" for i in range(30) for j in range(9))
    (workdir / "r.csv").write_text("userId,movieId,rating\n" + rows)
    done = cfexp(*sweep, cwd=workdir)
    assert done.returncode == 0, done.stderr
    assert [p.info.status for p in runs(workdir, "sweep")] == ["FINISHED"]
    statuses = [run.info.status for run in runs(workdir)]
    assert sorted(statuses) == ["FAILED", "FAILED", "FINISHED", "FINISHED"]


def test_sweep_in_any_folder(workdir: Path) -> None:
    """Also one whose job fails before it has a run."""
    folder = workdir / "bob's dir [1] {a}, %d = \\"
    folder.mkdir()
    done = cfexp("-m", *TINY, "model=bias", "split.test_size=1e-6,0.1", cwd=folder)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("cfexp: error: split=random of")
    assert "no test rows" in " ".join(done.stdout.split())
    assert {run.info.status for run in runs(folder)} == {"FINISHED", "FAILED"}
    failed = next(r for r in runs(folder) if r.info.status == "FAILED")
    assert "no test rows" in failed.data.tags["cfexp.error"]
    assert len(runs(folder)) == 2
