"""The cache of parsed datasets, on disk and, of those used last, in memory."""

import hashlib
import json
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pyarrow import feather

import cfexp
from cfexp.data.ratings import Ratings
from cfexp.runtime.cache import cache_dir
from cfexp.runtime.kept import FORMAT, intact, keep, keep_newest
from cfexp.runtime.memo import Memo, read_only
from cfexp.spec import TARGET, Spec

log = logging.getLogger(__name__)

# Datasets in this process, for its jobs to share, and on disk.
RECENT = Memo(keep=2)
KEEP_ON_DISK = 50
TABLES = ("frame", "movies", "users")
ABOUT = "about.json"


def cached(dataset: Spec, files: Sequence[Any], make: Callable[[], Ratings]) -> Ratings:
    """Returns a dataset, from this process's memory or the cache if it is there.

    A class of the user's own is not cached: what it reads may depend on anything.

    Args:
        dataset: Its class and options.
        files: The state of the files that it is read from, see `file_state`.
        make: Makes the dataset. Its warnings are cached too, and logged once in each
            process that reads it.
    """
    if not type(dataset).__module__.startswith("cfexp."):
        return make()
    known = {TARGET: dataset.target(), **dataset.settings(), "files": files}
    text = json.dumps([known, cfexp.__version__, FORMAT, _code()], sort_keys=True)
    key = hashlib.sha256(text.encode()).hexdigest()[:16]
    folder = cache_dir() / f"ratings-{key}"
    return RECENT(folder, lambda: _read_or_made(folder, make))


def _read_or_made(folder: Path, make: Callable[[], Ratings]) -> Ratings:
    if intact(folder):
        return _load(folder)
    with _noted_warnings() as warnings:
        made = make()
    try:
        keep(folder, lambda empty: _save(made, warnings, empty))
        keep_newest(folder.parent, "ratings-*", KEEP_ON_DISK)
    except OSError as error:
        log.warning("%s cannot be cached in %s: %s", made.name, folder, error)
        return made
    return _load(folder, made=True)


@cache
def _code() -> str:
    """Returns a hash of the code that makes datasets."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


@contextmanager
def _noted_warnings() -> Iterator[list[str]]:
    """Yields a list that gets the warnings which the block logs about data."""
    found: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: found.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("cfexp.data")
    logger.addHandler(handler)
    try:
        yield found
    finally:
        logger.removeHandler(handler)


def file_state(path: Path) -> list[Any]:
    """Returns path, size and modification time of a file, or of a folder's files."""
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    stats = [(str(f.absolute()), f.stat()) for f in files]
    return [[name, stat.st_size, stat.st_mtime_ns] for name, stat in stats]


def _save(ratings: Ratings, warnings: Sequence[str], folder: Path) -> None:
    for name in TABLES:
        table: pd.DataFrame = getattr(ratings, name)
        # One chunk and no compression, so that columns are read in place.
        table.to_feather(
            folder / f"{name}.arrow",
            compression="uncompressed",
            chunksize=max(len(table), 1),
        )
    folds: dict[str, Any] = dict(ratings.official_tests)
    np.savez(folder / "official_tests.npz", **folds)
    about = {
        "name": ratings.name,
        "scale": ratings.scale,
        "fingerprint": ratings.fingerprint,
        "rated_fingerprint": ratings.rated_fingerprint,
        "warnings": list(warnings),
    }
    (folder / ABOUT).write_text(json.dumps(about))


def _load(folder: Path, *, made: bool = False) -> Ratings:
    """Reads a dataset.

    Args:
        folder: What `_save` filled.
        made: Whether that was just now, so that its warnings have been logged.
    """
    about = json.loads((folder / ABOUT).read_text())
    frame, movies, users = (
        feather.read_table(folder / f"{name}.arrow", memory_map=True).to_pandas(
            split_blocks=True
        )
        for name in TABLES
    )
    with np.load(folder / "official_tests.npz") as folds:
        tests = {fold: read_only(rows) for fold, rows in folds.items()}
    found = Ratings(about["name"], frame, movies, tuple(about["scale"]), tests, users)
    # Saves hashing every value again: the fingerprints were cached with the dataset.
    for name in ("fingerprint", "rated_fingerprint"):
        found.__dict__[name] = about[name]
    done = "parsed, and kept in" if made else "read from"
    log.info("%s: %s %s", found.name, done, folder)
    for warning in [] if made else about["warnings"]:
        log.warning("%s", warning)
    return found
