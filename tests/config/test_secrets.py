"""Passwords go nowhere: not to files, MLflow, messages or other machines."""

import os
import pickle
from collections.abc import Callable
from pathlib import Path

import mlflow
import pytest
from helpers import TINY, cfexp
from omegaconf import DictConfig, OmegaConf

from cfexp.config.build import build
from cfexp.config.overrides import with_overrides
from cfexp.config.secrets import VARIABLE, hide_uri
from cfexp.runs.sweep import SweepCallback, Swept
from cfexp.tracking.settings import Tracking

SECRET = "PWSECRET"


# SQLite ignores parameters that it does not know.
URI = f"tracking.uri='sqlite:///file:m.db?uri=true&password={SECRET}'"


def test_stored_configuration(composed: Callable[..., DictConfig]) -> None:
    """It does not say where it was tracked, and can be used without."""
    cfg = composed("model=dot", f"tracking.uri=http://u:{SECRET}@h")
    saved = build(cfg).experiment.settings()
    assert SECRET not in str(saved)
    overrides = ["tracking=none", "tracking.experiment=x", "seed=3"]
    again = with_overrides(saved, build(composed(*overrides)), overrides)
    assert again.seed == 3
    assert again.model.name == "dot"


@pytest.mark.slow
def test_password_of_the_uri_is_nowhere(workdir: Path) -> None:
    """A run, a sweep of one job that fails and one that does not, and a use."""
    outputs = []
    for arguments in (
        ["model=bias", *TINY, "hydra.run.dir=run"],
        ["-m", "model=bias", "split.test_size=1e-6,0.1", *TINY],
        ["mode=evaluate", "run_id=latest"],
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
