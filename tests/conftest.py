"""Shared fixtures: small data, a clean Hydra, runs in a temporary folder."""

import atexit
import gc
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig
from small_data import DATA_DIR, synthetic

from cfexp.config.compose import conf_dir, register
from cfexp.data import cache, frames
from cfexp.data.ratings import Ratings
from cfexp.data.split import Split
from cfexp.data.splitters import RandomHoldout

# Tests and their processes share compiled programs, apart from anybody's own.
PROGRAMS = "--tf_xla_persistent_cache_directory"
if PROGRAMS not in os.environ.get("TF_XLA_FLAGS", ""):
    folder = tempfile.mkdtemp(prefix="cfexp-xla-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ["TF_XLA_FLAGS"] = f"{PROGRAMS}={folder}"
# Datasets are not written to anybody's own cache either.
folder = tempfile.mkdtemp(prefix="cfexp-cache-")
atexit.register(shutil.rmtree, folder, ignore_errors=True)
os.environ["CFEXP_CACHE_DIR"] = folder
# Or MLflow starts many processes for jobs of its server, which nobody here gives it.
os.environ.setdefault("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false")
# A server that is away in a test is away for good: MLflow tries again at once.
os.environ["MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR"] = "0"
os.environ["MLFLOW_HTTP_REQUEST_BACKOFF_JITTER"] = "0"


@pytest.fixture(autouse=True, scope="module")
def old_objects_are_left_alone() -> Iterator[None]:
    """Millions of objects live on, and Python would look at them for seconds each time.

    That is when it looks for garbage, as each fifth training does.
    """
    yield
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def no_data_of_other_tests() -> None:
    """Forgets datasets in memory: tests change their files, and how they are made."""
    cache.RECENT.clear()
    frames.RECENT.clear()


@pytest.fixture(scope="session")
def ratings() -> Ratings:
    """Small synthetic ratings."""
    return synthetic().load()


@pytest.fixture
def split(ratings: Ratings) -> Split:
    """A random split of the small ratings."""
    return RandomHoldout(test_size=0.2, valid_size=0.1).split(ratings, seed=0)


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


def long_first(items: list[pytest.Item], workers: int) -> list[pytest.Item]:
    """Returns the tests in an order that leaves no worker a long one at the end.

    Each worker begins with a stretch of its own: long tests first, by their files.

    Args:
        items: The tests.
        workers: How many workers of pytest-xdist share them.
    """
    long = [item for item in items if "long" in item.keywords]
    others = [item for item in items if "long" not in item.keywords]
    files = list(dict.fromkeys(item.path for item in long))
    found: list[pytest.Item] = []
    for worker in range(workers):
        size = (len(items) - len(found)) // (workers - worker)
        own = [item for item in long if files.index(item.path) % workers == worker]
        more = max(0, size - len(own))
        found += [*own, *others[:more]]
        del others[:more]
    return found + others


@pytest.hookimpl(trylast=True)  # of the tests that are chosen
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begins with long tests; skips those of real data, saying why, without any."""
    items[:] = long_first(items, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1)))
    if DATA_DIR and (Path(DATA_DIR) / "ml-100k").is_dir():
        return
    skip = pytest.mark.skip(reason="no MovieLens data: set CFEXP_DATA_DIR to a folder")
    for item in items:
        if "realdata" in item.keywords:
            item.add_marker(skip)
