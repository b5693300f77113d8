"""Logins of a tracking server go to that server only."""

import os
import stat
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from cfexp.errors import TrackingError
from cfexp.tracking.connect import _without_login
from cfexp.tracking.login import basic_auth, split_login
from cfexp.tracking.preflight import check_reachable
from cfexp.tracking.unsynced import FILE, Record

SECRET = "PWSECRET"


def test_login_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """As MLflow prints the URI; another server does not get it."""
    for name in ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    assert split_login("http://a:p%40ss@h:5/x") == ("http://h:5/x", "a", "p@ss")
    assert _without_login("http://a:p%40ss@h:5/x") == "http://h:5/x"
    assert os.environ["MLFLOW_TRACKING_USERNAME"] == "a"
    assert os.environ["MLFLOW_TRACKING_PASSWORD"] == "p@ss"
    assert _without_login("http://other") == "http://other"
    assert "MLFLOW_TRACKING_PASSWORD" not in os.environ
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "the user's own")
    assert _without_login("postgresql://u:p@h/db") == "postgresql://u:p@h/db"
    assert os.environ["MLFLOW_TRACKING_PASSWORD"] == "the user's own"


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    """A server that wants a login: its address, and the logins that it got."""
    got: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            got.append(self.headers.get("Authorization", ""))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    found = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=found.serve_forever)
    thread.start()
    yield f"127.0.0.1:{found.server_port}", got
    found.shutdown()
    thread.join()
    found.server_close()


def test_login_of_a_server(server: tuple[str, list[str]]) -> None:
    host, got = server
    check_reachable(f"http://bob:p%40ss@{host}")
    check_reachable(f"http://{host}")
    assert got == [basic_auth("bob", "p@ss"), ""]


def test_unreachable_server_is_named_without_login() -> None:
    with pytest.raises(TrackingError, match=r"http://\*\*\*@127\.0\.0\.1:9:"):
        check_reachable(f"http://bob:{SECRET}@127.0.0.1:9")


def test_record_is_for_its_owner_only(tmp_path: Path) -> None:
    record = Record(
        uri=f"http://bob:{SECRET}@h",
        experiment="x",
        register_as=None,
        name="x",
        run_id=None,
        parent_id=None,
        status="FINISHED",
    )
    record.save(tmp_path)
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    assert Record.load(tmp_path) == record
