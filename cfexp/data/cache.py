"""The cache of large parsed datasets, which are memory-mapped when read again."""

import hashlib
import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pyarrow import feather

import cfexp
from cfexp.data.ratings import Ratings
from cfexp.runtime.cache import cache_dir
from cfexp.runtime.kept import FORMAT, intact, keep

log = logging.getLogger(__name__)

# Smaller datasets are parsed about as fast as they are read from the cache.
CACHE_FROM = 1_000_000
TABLES = ("frame", "movies")
ABOUT = "about.json"


def cached(source: Mapping[str, Any], make: Callable[[], Ratings]) -> Ratings:
    """Returns a dataset, from the cache if it is there.

    Args:
        source: Everything that the dataset depends on, as plain values; for files see
            `file_state`.
        make: Makes the dataset, which is cached from `CACHE_FROM` ratings on.
    """
    known = {**source, "cfexp": cfexp.__version__, "format": FORMAT}
    text = json.dumps(known, sort_keys=True)
    key = hashlib.sha256(text.encode()).hexdigest()[:16]
    folder = cache_dir() / f"ratings-{key}"
    if intact(folder):
        return _load(folder)
    made = make()
    if len(made.frame) < CACHE_FROM:
        return made
    try:
        keep(folder, lambda empty: _save(made, empty))
    except OSError as error:
        log.warning("%s cannot be cached in %s: %s", made.name, folder, error)
        return made
    return _load(folder)


def file_state(path: Path) -> list[Any]:
    """Returns path, size and modification time of a file, or of a folder's files."""
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    stats = [(str(f.absolute()), f.stat()) for f in files]
    return [[name, stat.st_size, stat.st_mtime_ns] for name, stat in stats]


def _save(ratings: Ratings, folder: Path) -> None:
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
    }
    (folder / ABOUT).write_text(json.dumps(about))


def _load(folder: Path) -> Ratings:
    about = json.loads((folder / ABOUT).read_text())
    frame, movies = (
        feather.read_table(folder / f"{name}.arrow", memory_map=True).to_pandas(
            split_blocks=True
        )
        for name in TABLES
    )
    with np.load(folder / "official_tests.npz") as folds:
        tests = dict(folds)
    found = Ratings(about["name"], frame, movies, tuple(about["scale"]), tests)
    # Saves hashing every value again: the fingerprint was cached with the dataset.
    found.__dict__["fingerprint"] = about["fingerprint"]
    log.info("%s: read from %s", found.name, folder)
    return found
