"""Databases of MLflow that are copies of an empty one."""

import sqlite3
from contextlib import closing
from pathlib import Path

import mlflow
import pytest
from mlflow.tracking import MlflowClient

from cfexp.tracking import database
from cfexp.tracking.database import create_database


@pytest.fixture
def kept(workdir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Returns where the empty database is kept; there is none yet."""
    monkeypatch.setattr(database, "cache_dir", lambda: workdir / "own")
    return workdir / "own" / f"mlflow-{mlflow.__version__}.db"


def tables(path: Path) -> list[str]:
    """Returns how the tables and indices of a database are defined."""
    with closing(sqlite3.connect(path)) as open_file:
        return sorted(open_file.execute("select name, sql from sqlite_master"))


def made(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Creates a database in a folder, as if started there, and checks it."""
    folder.mkdir()
    monkeypatch.chdir(folder)
    path = folder / "mlflow.db"
    create_database(f"sqlite:///{path}")
    client = MlflowClient(f"sqlite:///{path}")
    [default] = client.search_experiments()
    assert default.artifact_location == f"{folder}/mlruns/0"
    assert client.create_experiment("mine") == "1"
    run = client.create_run("1")
    client.log_metric(run.info.run_id, "m", 2.0)
    assert client.get_run(run.info.run_id).data.metrics == {"m": 2.0}
    assert [p.name for p in folder.iterdir() if p.is_file()] == ["mlflow.db"]
    return path


def test_copies_are_like_the_first(
    workdir: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = made(workdir / "a", monkeypatch)
    as_it_is = kept.read_bytes()
    monkeypatch.setattr(database, "_keep", lambda *_: pytest.fail("made again"))
    second = made(workdir / "b", monkeypatch)
    assert tables(first) == tables(second)
    assert kept.read_bytes() == as_it_is
    assert [p.name for p in kept.parent.iterdir()] == [kept.name]


@pytest.mark.parametrize("damage", [b"", b"noise" * 999, None])
def test_a_damaged_copy_is_made_again(
    workdir: Path, kept: Path, monkeypatch: pytest.MonkeyPatch, damage: bytes | None
) -> None:
    made(workdir / "a", monkeypatch)
    sound = kept.read_bytes()
    kept.write_bytes(sound[: len(sound) // 2] if damage is None else damage)
    made(workdir / "b", monkeypatch)
    made(workdir / "c", monkeypatch)
    assert len(tables(kept)) > 50


def test_without_a_cache(
    workdir: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workdir / "own").write_text("a file where the folder would be")
    made(workdir / "a", monkeypatch)
