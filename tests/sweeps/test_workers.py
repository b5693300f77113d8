"""Jobs of a sweep in processes of joblib."""

import os
import pickle
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from helpers import TINY, cfexp, ok, skipped
from hydra.core.plugins import Plugins
from hydra.core.singleton import Singleton
from hydra.types import HydraContext
from omegaconf import OmegaConf
from omegaconf.basecontainer import BaseContainer

from cfexp.errors import TrainingError
from cfexp.sweeps.workers import Workers, _received

CONFIG = OmegaConf.create({"hydra": {"hydra_logging": {"root": None}, "verbose": []}})


@pytest.fixture
def launcher(tmp_path: Path) -> Workers:
    """A launcher of two processes."""
    config = OmegaConf.merge(CONFIG, {"hydra": {"sweep": {"dir": str(tmp_path)}}})
    found = Workers(n_jobs=2)
    context = HydraContext(config_loader=None, callbacks=None)  # type: ignore[arg-type]
    found.setup(hydra_context=context, task_function=print, config=config)
    return found


def test_a_process_receives_a_sweep_once(
    launcher: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hydra's launcher sends it with each job, and looks for all plugins each time."""
    for owner, name in ((Singleton, "_instances"), (BaseContainer, "_resolvers")):
        monkeypatch.setattr(owner, name, dict(getattr(owner, name)))
    # The real one is for other processes: its classes would replace those of this one.
    state = {"instances": {}, "omegaconf_resolvers": {}}
    monkeypatch.setattr(Singleton, "get_state", lambda: state)
    looked = []
    monkeypatch.setattr(Plugins, "_initialize", lambda self: looked.append(self))
    _received.cache_clear()
    first, second = (pickle.loads(pickle.dumps(launcher._sweep)) for _ in range(2))
    assert first is second
    assert first.config == launcher.config
    assert len(looked) == 1


def test_jobs_are_those_of_the_sweeps_own_process(workdir: Path) -> None:
    """Composed alike, and known again."""
    sweep = ["-m", "seed=0,1", "model=bias", *TINY]
    ok(cfexp(*sweep, "hydra.sweep.dir=own", cwd=workdir))
    options = ["hydra/launcher=joblib", "hydra.launcher.n_jobs=1"]
    done = ok(cfexp(*sweep, *options, "hydra.sweep.dir=theirs", cwd=workdir))
    assert skipped(done) == 2
    for job in ("0", "1"):
        own, theirs = (workdir / name / job / ".hydra" for name in ("own", "theirs"))
        for name in ("config.yaml", "overrides.yaml"):
            assert (own / name).read_text() == (theirs / name).read_text()
        number = yaml.safe_load((theirs / "hydra.yaml").read_text())["hydra"]["job"]
        assert (number["num"], number["id"]) == (int(job), f"cfexp_{job}")


@pytest.mark.slow
def test_a_killed_process_is_named_and_ends_the_sweep(launcher: Workers) -> None:
    killed = SimpleNamespace(run=lambda number, overrides: os.kill(os.getpid(), 9))
    launcher._sweep = killed  # type: ignore[assignment]
    with pytest.raises(TrainingError, match="a process of this sweep was killed"):
        launcher.launch([["seed=0"], ["seed=1"]], 0)
