"""Shared fixtures: small data, a clean Hydra, runs in a temporary folder."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig

from cfexp.config.compose import conf_dir, register
from cfexp.data.ratings import Ratings
from cfexp.data.synthetic import Synthetic

# Tests and their processes share compiled programs, apart from anybody's own.
PROGRAMS = "--tf_xla_persistent_cache_directory"
if PROGRAMS not in os.environ.get("TF_XLA_FLAGS", ""):
    os.environ["TF_XLA_FLAGS"] = f"{PROGRAMS}={tempfile.mkdtemp(prefix='cfexp-xla-')}"

ROOT = Path(__file__).parents[1]
TINY = ["dataset.n_ratings=3000", "dataset.n_users=100", "dataset.n_items=150"]
SMALL = [*TINY, "training=quick", "tracking=none"]


def synthetic(n_ratings: int = 3000, **changes: object) -> Synthetic:
    """Returns a small synthetic dataset's spec."""
    values = {
        "n_ratings": n_ratings,
        "n_users": 100,
        "n_items": 150,
        "n_factors": 2,
        "noise": 0.5,
        "half_stars": False,
        "data_seed": 0,
    }
    return Synthetic(**{**values, **changes})


@pytest.fixture(scope="session")
def ratings() -> Ratings:
    """Small synthetic ratings."""
    return synthetic().load()


@pytest.fixture
def composed() -> Iterator[Callable[..., DictConfig]]:
    """Composes a configuration from overrides, without the command line."""
    GlobalHydra.instance().clear()
    register()
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        yield lambda *overrides: compose("config", overrides=list(overrides))
    GlobalHydra.instance().clear()


@pytest.fixture
def workdir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CFEXP_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path


def cfexp(
    *arguments: str,
    cwd: Path,
    env: dict[str, str] | None = None,
    command: tuple[str, ...] = (sys.executable, "-m", "cfexp"),
) -> subprocess.CompletedProcess[str]:
    """Runs the command line in a process of its own."""
    inherited = {k: v for k, v in os.environ.items() if k != "HYDRA_FULL_ERROR"}
    # What lies on the path goes on, such as another pandas (scripts/check-pandas2).
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return subprocess.run(
        [*command, *arguments],
        cwd=cwd,
        env={**inherited, "PYTHONPATH": path, **(env or {})},
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture
def csv_files(workdir: Path) -> tuple[Path, Path]:
    """A user's own ratings and movies, with own column names and string ids."""
    source = synthetic().load()
    ratings = source.frame.assign(
        user="u" + source.frame["userId"].astype(str),
        film="m" + source.frame["movieId"].astype(str),
        stars=source.frame["rating"],
        when=source.frame["timestamp"],
    )[["user", "film", "stars", "when"]]
    movies = pd.DataFrame(
        {
            "film": "m" + source.movies["movieId"].astype(str),
            "name": source.movies["title"],
            "kinds": source.movies["genres"].str.replace("|", ", "),
        }
    )
    paths = workdir / "ratings.csv", workdir / "movies.csv"
    ratings.to_csv(paths[0], index=False)
    movies.to_csv(paths[1], index=False)
    return paths


DATA_DIR = os.environ.get("CFEXP_DATA_DIR", "")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skips tests of real data, saying why, where there is none."""
    if DATA_DIR and (Path(DATA_DIR) / "ml-100k").is_dir():
        return
    skip = pytest.mark.skip(reason="no MovieLens data: set CFEXP_DATA_DIR to a folder")
    for item in items:
        if "realdata" in item.keywords:
            item.add_marker(skip)
