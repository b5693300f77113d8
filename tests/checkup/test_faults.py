"""Each fault that ``cfexp doctor`` knows, and what is no fault."""

import importlib.metadata
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import SimpleNamespace

import mlflow
import pytest

from cfexp.checkup import devices as on_devices
from cfexp.checkup import machine as on_machine
from cfexp.checkup import packages as on_packages
from cfexp.checkup.datasets import datasets
from cfexp.checkup.devices import devices
from cfexp.checkup.finding import Finding, State
from cfexp.checkup.machine import machine
from cfexp.checkup.packages import packages, python
from cfexp.checkup.tracked import tracked
from cfexp.data.published import PUBLISHED
from cfexp.runtime import tensorflow
from cfexp.runtime.tensorflow import Probed
from cfexp.tracking.settings import Tracking

Patch = pytest.MonkeyPatch


def named(found: Iterable[Finding]) -> dict[str, Finding]:
    return {one.name: one for one in found}


def test_nothing_is_wrong_here() -> None:
    """With what the tests need, and whatever this machine is."""
    found = named([python(), *packages(), *machine()])
    assert [one for one in found.values() if one.state is State.WRONG] == []
    assert {"python", "cfexp", "packages", "tensorflow", "extra optuna"} <= set(found)


def test_new_python(monkeypatch: Patch) -> None:
    monkeypatch.setattr(on_packages.sys, "version_info", (3, 99, 0))
    assert python().state is State.NOTE
    assert python().fix == "cfexp is tested up to Python 3.13"


@pytest.fixture
def versions(monkeypatch: Patch) -> Callable[..., dict[str, Finding]]:
    """Looks at packages of some versions."""

    def look(needed: list[str], **have: str) -> dict[str, Finding]:
        there = {name.replace("_", "-"): version for name, version in have.items()}
        about = SimpleNamespace(get_all=lambda _: ["ray", "dev"])
        monkeypatch.setattr(on_packages, "requires", lambda _: needed)
        monkeypatch.setattr(on_packages, "metadata", lambda _: about)
        monkeypatch.setattr(on_packages, "installed", there.get)
        return named(packages())

    return look


NEEDS = ["numpy>=2", "tensorflow<2.22,>=2.20", "hydra-ray>=1.2; extra == 'ray'"]


@pytest.mark.parametrize(
    ("have", "name", "state", "said", "fix"),
    [
        (
            {"tensorflow": "2.21.0"},
            "packages",
            State.WRONG,
            "numpy is not installed",
            "pip install 'numpy>=2'",
        ),
        (
            {"numpy": "1.26", "tensorflow": "2.19.1"},
            "packages",
            State.WRONG,
            "numpy is 1.26, not >=2; tensorflow is 2.19.1, not <2.22,>=2.20",
            "pip install 'numpy>=2' 'tensorflow<2.22,>=2.20'",
        ),
        # The smaller package is as good.
        (
            {"numpy": "2.4", "tensorflow_cpu": "2.21.0"},
            "packages",
            State.OK,
            "all 2 that cfexp needs",
            "",
        ),
        (
            {"numpy": "2.4", "tensorflow_cpu": "2.21.0", "tensorflow": "2.21.0"},
            "tensorflow",
            State.NOTE,
            "tensorflow 2.21.0, tensorflow-cpu 2.21.0: the one that was installed last"
            " has overwritten the other",
            "pip uninstall -y tensorflow tensorflow-cpu, then install one of them"
            " again",
        ),
        ({}, "extra ray", State.NOTE, "not installed", "pip install 'cfexp[ray]'"),
        ({"hydra_ray": "1.2.2"}, "extra ray", State.OK, "hydra-ray 1.2.2", ""),
        (
            {"hydra_ray": "1.1"},
            "extra ray",
            State.WRONG,
            "hydra-ray is 1.1, not >=1.2",
            "pip install 'hydra-ray>=1.2'",
        ),
    ],
)
def test_packages(  # type: ignore[no-untyped-def]
    versions, have: dict[str, str], name: str, state: State, said: str, fix: str
) -> None:
    found = versions(NEEDS, **have)
    assert "extra dev" not in found
    assert (found[name].state, found[name].found) == (state, said)
    assert found[name].fix.startswith(fix)


def test_not_installed(monkeypatch: Patch) -> None:
    def missing(name: str) -> None:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(on_packages, "requires", missing)
    assert named(packages())["packages"].state is State.WRONG


def test_other_backend_of_keras(monkeypatch: Patch, tmp_path: Path) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    assert named(packages())["keras"].state is State.OK
    (tmp_path / "keras.json").write_text('{"backend": "jax"}')
    found = named(packages())["keras"]
    assert found.state is State.WRONG
    assert f"its backend is jax, by {tmp_path}/keras.json" in found.found
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    assert named(packages())["keras"].state is State.OK
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    assert named(packages())["keras"].fix == "unset KERAS_BACKEND"


@pytest.mark.parametrize(
    ("free", "state"), [(0.5, State.WRONG), (3, State.NOTE), (90, State.OK)]
)
def test_disk(monkeypatch: Patch, free: float, state: State) -> None:
    usage = SimpleNamespace(free=free * 1e9)
    monkeypatch.setattr(on_machine.shutil, "disk_usage", lambda _: usage)
    found = named(machine())
    assert found["folder"].state is found["cache"].state is state


def test_cache_that_is_no_folder(monkeypatch: Patch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("CFEXP_CACHE_DIR", str(tmp_path / "file" / "cache"))
    found = named(machine())["cache"]
    assert found.state is State.WRONG
    assert found.found.endswith("cannot be written: Not a directory")
    assert "CFEXP_CACHE_DIR" in found.fix


def test_little_memory_and_no_git(monkeypatch: Patch) -> None:
    monkeypatch.setattr(on_machine.os, "sysconf", lambda _: 30_000)
    monkeypatch.setattr(on_machine.shutil, "which", lambda _: None)
    found = named(machine())
    assert found["memory"].state is found["git"].state is State.NOTE


def test_datasets(workdir: Path, monkeypatch: Patch) -> None:
    """Whole, without its ratings, damaged, and not here."""
    (workdir / "cache").mkdir()
    (workdir / "cache/ml-1m.zip").write_text("half a file")
    for name, file in (("ml-100k", "u.data"), ("ml-25m", "movies.csv")):
        (workdir / "own" / name).mkdir(parents=True)
        (workdir / "own" / name / file).touch()
    monkeypatch.setenv("CFEXP_DATA_DIR", str(workdir / "own"))
    found = named(datasets())
    assert found["ml-100k"].state is State.OK
    assert found["ml-25m"].state is found["ml-1m"].state is State.WRONG
    assert "holds no ratings.csv" in found["ml-25m"].found
    assert "neither a folder nor a zip file" in found["ml-1m"].found
    assert found["ml-1m"].fix == f"remove or replace {workdir}/cache/ml-1m.zip"
    others = sorted(set(PUBLISHED) - {"ml-100k", "ml-25m", "ml-1m"})
    assert sorted(found["datasets"].found.split(": ")[1].split(", ")) == others
    monkeypatch.setenv("CFEXP_DATA_DIR", str(workdir / "nope"))
    assert named(datasets())["CFEXP_DATA_DIR"].state is State.WRONG


def at(path: Path, *, quick: bool = False) -> Finding:
    return tracked(Tracking(uri=f"sqlite:///{path}"), quick=quick)


def test_tracking(workdir: Path) -> None:
    assert tracked(Tracking(enabled=False), quick=True).state is State.NOTE
    path = workdir / "mlflow.db"
    assert "made by the first run" in at(path).found
    assert not path.exists()
    path.write_text("not a database at all")
    assert at(path, quick=True).state is State.WRONG
    assert "is not a SQLite file" in at(path).found
    found = at(workdir / "no/mlflow.db")
    assert "does not exist" in found.found


def test_tracking_of_another_version(workdir: Path) -> None:
    """A database that needs an upgrade; and one as it should be."""
    from helpers import share_tables

    from cfexp.tracking.database import create_database

    share_tables()
    path = workdir / "mlflow.db"
    create_database(f"sqlite:///{path}")
    assert "no experiment cfexp yet" in at(path).found
    mlflow.set_tracking_uri(f"sqlite:///{path}")
    mlflow.create_experiment("cfexp")
    assert "experiment cfexp, no run yet" in at(path).found
    old = workdir / "old.db"
    shutil.copy(path, old)
    with sqlite3.connect(old) as database:
        database.execute("UPDATE alembic_version SET version_num = '451aebb31d03'")
    database.close()
    assert at(old, quick=True).state is State.OK
    found = at(old)
    assert found.state is State.WRONG
    assert found.fix.endswith(f"mlflow db upgrade sqlite:///{old}")


def test_tensorflow_that_cannot_be_used(monkeypatch: Patch) -> None:
    def broken() -> Probed:
        raise ImportError("libcudart.so: cannot open shared object file")

    monkeypatch.setattr(tensorflow, "probed", broken)
    (found,) = devices()
    assert found.state is State.WRONG
    assert "libcudart.so" in found.found


@pytest.mark.parametrize(
    ("gpus", "cuda", "driver", "state", "said"),
    [
        ((), True, False, State.OK, "none: models train on the CPU"),
        (("H100",), True, True, State.OK, "H100"),
        ((), True, True, State.NOTE, "TensorFlow cannot load the CUDA libraries"),
        ((), False, True, State.NOTE, "TensorFlow is built without CUDA"),
    ],
)
def test_gpu(  # type: ignore[no-untyped-def]
    monkeypatch: Patch, tmp_path: Path, gpus, cuda, driver, state, said
) -> None:
    probed = Probed("2.21.0", "CPU", gpus, cuda)
    monkeypatch.setattr(tensorflow, "probed", lambda: probed)
    monkeypatch.setattr(on_devices.shutil, "which", lambda _: None)
    there = tmp_path if driver else tmp_path / "missing"
    monkeypatch.setattr(on_devices, "DRIVER", there)
    found = named(devices())["GPU"]
    assert found.state is state
    assert said in found.found


def test_compiled_program_is_run() -> None:
    assert tensorflow.probed().version == sys.modules["tensorflow"].__version__
