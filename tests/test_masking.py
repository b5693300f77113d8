"""Passwords go nowhere: not to files, MLflow, messages or other servers."""

import logging
import os
import pickle
import stat
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import mlflow
import pytest
from conftest import TINY, cfexp
from omegaconf import DictConfig, OmegaConf

from cfexp.config.build import build
from cfexp.config.overrides import with_overrides
from cfexp.config.secrets import VARIABLE, hide_uri
from cfexp.errors import TrackingError, first_line, masked
from cfexp.runs.plan import stored
from cfexp.runs.sweep import SweepCallback, Swept
from cfexp.runtime.logs import MaskingFormatter
from cfexp.tracking.connect import _without_login
from cfexp.tracking.login import basic_auth, split_login
from cfexp.tracking.preflight import check_reachable
from cfexp.tracking.settings import Tracking
from cfexp.tracking.unsynced import FILE, Record

SECRET = "PWSECRET"
# SQLite ignores parameters that it does not know.
URI = f"tracking.uri='sqlite:///file:m.db?uri=true&password={SECRET}'"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cannot use http://u:p@h:1/x: no", "cannot use http://***@h:1/x: no"),
        ("postgresql://u:p/a@ss@h/db", "postgresql://***@h/db"),
        ("https://TOKEN@h", "https://***@h"),
        ("'mysql+pymysql://u:p@h'", "'mysql+pymysql://***@h'"),
        ("x://h/db?user=u&password=p&ssl=1", "x://h/db?user=u&password=***&ssl=1"),
        ("h?sslpassword=p&access_token=t", "h?sslpassword=***&access_token=***"),
        ("sqlite:////home/a@b/mlflow.db", "sqlite:////home/a@b/mlflow.db"),
        ("http://localhost:5000 and a@b.c", "http://localhost:5000 and a@b.c"),
        ("models:/films@champion", "models:/films@champion"),
    ],
)
def test_masked(text: str, expected: str) -> None:
    assert masked(text) == expected
    assert masked(expected) == expected


def test_messages_and_logs_are_masked() -> None:
    text = f"no answer of http://u:{SECRET}@h"
    assert str(TrackingError(text)) == "no answer of http://***@h"
    assert first_line(ValueError(text)) == "no answer of http://***@h"
    try:
        raise ValueError(text)
    except ValueError:
        record = logging.LogRecord("x", 1, "x", 1, text, (), sys.exc_info())
    said = MaskingFormatter("%(message)s").format(record)
    assert "Traceback" in said
    assert SECRET not in said


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


def test_stored_configuration(composed: Callable[..., DictConfig]) -> None:
    """It does not say where it was tracked, and can be used without."""
    cfg = composed("model=dot", f"tracking.uri=http://u:{SECRET}@h")
    saved = stored(cfg)
    assert "tracking" not in OmegaConf.create(saved)
    now = composed("tracking=none", "tracking.experiment=x", "seed=3")
    overrides = ["tracking=none", "tracking.experiment=x", "seed=3"]
    again = with_overrides(saved, now, overrides)
    assert again.tracking == now.tracking
    assert again.seed == 3
    assert build(again)["model"].name == "dot"


def test_password_of_the_uri_is_nowhere(workdir: Path) -> None:
    """A run, a sweep of one job that fails and one that does not, and a use."""
    outputs = []
    for arguments in (
        ["model=bias", *TINY, "hydra.run.dir=run"],
        ["-m", "model=bias", "dataset.noise=-1,1", *TINY],
        ["mode=evaluate", "run_id=latest", "dataset.noise=1"],
    ):
        done = cfexp(*arguments, URI, cwd=workdir)
        assert done.returncode == ("-m" in arguments), done.stderr
        outputs.append(done.stdout + done.stderr)
    assert SECRET not in "".join(outputs)
    files = [path for path in workdir.rglob("*") if path.is_file()]
    assert [p for p in files if SECRET.encode() in p.read_bytes()] == []
    assert [p for p in files if SECRET in str(p)] == []
    client = mlflow.MlflowClient(f"sqlite:///{workdir / 'm.db'}")
    found = client.search_runs(["1"])
    assert len(found) == 5  # the sweep's own among them
    assert (workdir / "run/results/config.yaml").exists()


def test_jobs_elsewhere_get_no_file_with_the_password(workdir: Path) -> None:
    """Launchers write what a job needs to files; the URI is in its environment."""
    callback = SweepCallback()
    callback.tracking = Tracking(
        enabled=True,
        uri=f"postgresql://bob:{SECRET}@h/db",
        experiment="x",
        register_as=None,
        git_diff=True,
    )
    callback.swept = Swept(None, None, workdir)
    pickled = pickle.dumps(callback)
    assert SECRET.encode() not in pickled
    assert pickle.loads(pickled).tracking.experiment == "x"


def test_uri_of_a_config_file_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not only one of the command line; a reference to the environment is left."""
    monkeypatch.delenv(VARIABLE, raising=False)
    node = {"hydra": {"overrides": {"task": ["seed=1"]}, "job": {}}}
    plain = OmegaConf.create({**node, "tracking": {"uri": "http://localhost:5000"}})
    assert not hide_uri(plain)
    own = OmegaConf.create({**node, "tracking": {"uri": "${oc.env:MY_URI}"}})
    assert not hide_uri(own)
    assert VARIABLE not in os.environ
    cfg = OmegaConf.create({**node, "tracking": {"uri": f"http://u:{SECRET}@h"}})
    assert hide_uri(cfg)
    assert SECRET not in OmegaConf.to_yaml(cfg)
    assert cfg.tracking.uri == f"http://u:{SECRET}@h"
    assert cfg.hydra.overrides.task == ["seed=1"]
