"""Tracking places that hang, or cannot be used, are given up soon, in one line."""

import os
import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from cfexp.commands.compare import main as compare
from cfexp.commands.promote import main as promote
from cfexp.commands.sync import main
from cfexp.errors import ConfigError, TrackingError
from cfexp.tracking import connect as connecting
from cfexp.tracking import preflight as reach
from cfexp.tracking.preflight import check_reachable
from cfexp.tracking.settings import Choice, Tracking
from cfexp.tracking.tracker import check_tracking, find_model
from cfexp.tracking.unsynced import FILE, Record

LIMIT = reach.LIMIT


def tracking(uri: str, experiment: str = "e") -> Tracking:
    """Returns where to track."""
    return Tracking(
        enabled=True, uri=uri, experiment=experiment, register_as=None, git_diff=False
    )


@pytest.fixture
def moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Patience of a moment with those who never answer."""
    monkeypatch.setattr(reach, "LIMIT", 0.3)
    monkeypatch.setattr(connecting, "LIMIT", 0.3)


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a server that accepts and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def half_silent() -> Iterator[int]:
    """The port of a server that is well, and answers nothing else."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        kept = []

        def answer() -> None:
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return  # closed: the test is over
                kept.append(client)
                if b"/health" in client.recv(4096):
                    client.sendall(b"HTTP/1.0 200 OK\r\n\r\nOK")
                    client.close()

        threading.Thread(target=answer, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        for client in kept:
            client.close()


@pytest.mark.usefixtures("moment")
def test_silent_server_is_given_up_by_every_command(workdir: Path, silent: int) -> None:
    uri = f"http://127.0.0.1:{silent}"
    record = Record(
        uri=uri,
        experiment="e",
        register_as=None,
        name="r",
        run_id=None,
        parent_id=None,
        status="FINISHED",
    )
    record.save(workdir / "run")
    where = ["tracking=server", f"tracking.uri={uri}"]
    for command in (
        lambda: check_tracking(tracking(uri)),
        lambda: find_model("latest", tracking=tracking(uri), choice=Choice()),
        lambda: compare(where),
        lambda: promote(["latest", "--name", "films", *where]),
        lambda: main(["run"]),
    ):
        # After that moment; MLflow's own patience is minutes.
        with pytest.raises(TrackingError, match="does not answer|no server answers"):
            command()
    assert (workdir / "run" / FILE).exists()


def test_server_that_falls_silent(
    workdir: Path, half_silent: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def well(uri: str, *, existing: bool = False) -> None:
        """As long as that takes; what comes then is given up after a moment."""
        check_reachable(uri, existing=existing)
        monkeypatch.setattr(reach, "LIMIT", 0.3)

    monkeypatch.setattr(connecting, "check_reachable", well)
    monkeypatch.setattr(connecting, "LIMIT", 0.3)
    # The thread that is left behind ends with the server, and tells no other test.
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(TrackingError, match="does not answer within 0.3 seconds"):
        connecting.connect(tracking(f"http://127.0.0.1:{half_silent}"))


def test_limit_is_short_enough() -> None:
    assert LIMIT <= 15


def test_files_that_hang_or_are_none(workdir: Path) -> None:
    os.mkfifo(workdir / "fifo")
    (workdir / "folder").mkdir()
    (workdir / "noise").write_bytes(bytes(range(256)) * 10)
    for name, message in {
        "fifo": "is not a file",
        "folder": "is not a file",
        "noise": "is not a SQLite file",
        "no/m.db": "the folder .*/no does not exist",
        "/proc/m.db": "/proc cannot be written",
    }.items():
        with pytest.raises(TrackingError, match=message):
            check_reachable(f"sqlite:///{name}")


@pytest.mark.usefixtures("moment")
def test_disk_that_hangs(workdir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a network disk does whose server is gone."""
    gone = threading.Event()
    monkeypatch.setattr(Path, "is_dir", lambda self: gone.wait())
    with pytest.raises(TrackingError, match=r"does not answer within 0\.3 seconds"):
        check_reachable("sqlite:///m.db")
    gone.set()


def test_locked_database(workdir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "LIMIT", 0.3)  # that SQLite waits for the lock,
    monkeypatch.setattr(reach, "in_time", lambda job: job())  # and we for SQLite
    with closing(sqlite3.connect("m.db")) as database:
        database.execute("CREATE TABLE t (x)")
        database.execute("BEGIN EXCLUSIVE")
        with pytest.raises(TrackingError, match=r"m\.db cannot be used: .*locked"):
            check_reachable("sqlite:///m.db")
        database.rollback()
        check_reachable("sqlite:///m.db")
    check_reachable("sqlite:///m.db", existing=True)


@pytest.mark.parametrize("driver", ["", "+psycopg2", "+none"])
def test_database_server_that_is_not_there(driver: str) -> None:
    uri = f"postgresql{driver}://me:secret@127.0.0.1:9/runs"
    with pytest.raises(TrackingError, match="cannot be used") as refused:
        check_reachable(uri)
    assert "Error" not in str(refused.value)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("uri", ["sqlite:///:memory:", "sqlite://", "sqlite:///"])
def test_databases_in_memory_keep_nothing(uri: str) -> None:
    with pytest.raises(ConfigError, match="would not be saved"):
        tracking(uri)


def test_looking_for_runs_makes_no_database(workdir: Path) -> None:
    there = tracking(f"sqlite:///{workdir / 'mlflow.db'}")  # MLflow keeps relative ones
    for command in (
        lambda: find_model("latest", tracking=there, choice=Choice()),
        lambda: compare([]),
        lambda: promote(["latest", "--name", "films"]),
        lambda: connecting.connect(there, existing=True),
    ):
        with pytest.raises(TrackingError, match=r"there is no mlflow\.db in"):
            command()
        assert not list(workdir.iterdir())
    connecting.connect(there)
    with pytest.raises(TrackingError, match=r"no experiment 'ee'.*did you mean e\?"):
        connecting.connect(tracking(there.uri, "ee"), existing=True)
    # A run's id or a registered model needs no experiment.
    missing = tracking(there.uri, "ee")
    found = connecting.connect(missing, existing=True, searched=False)
    assert found == connecting.NO_EXPERIMENT
    with pytest.raises(TrackingError, match="no such trained model"):
        find_model("models:/films/1", tracking=missing, choice=Choice())
