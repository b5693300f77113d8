"""Training rows that are encoded to disk once, and streamed from there."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import load_npz, save_npz

import cfexp
from cfexp.data.encoder import FeatureEncoder
from cfexp.data.encoding import Encoded, Feature, feature_input
from cfexp.data.ratings import IntArray, Ratings
from cfexp.data.text import update_digest
from cfexp.errors import DataError
from cfexp.runtime.cache import cache_dir
from cfexp.runtime.kept import FORMAT, intact, keep

COLUMNS: dict[str, Any] = {"user": np.int32, "item": np.int32, "rating": np.float32}
CHUNK = 1_000_000
BLOCK = 65_536  # consecutive rows that are read together
POOL = 16  # blocks whose rows are shuffled together


def encode_on_disk(
    ratings: Ratings, encoder: FeatureEncoder, rows: IntArray
) -> Encoded:
    """Returns encoded rows in a fixed random order, memory-mapped from the cache.

    `block_order` then shuffles blocks of neighbours, so that an epoch reads the files
    about once, block by block.

    Args:
        ratings: The dataset.
        encoder: Fitted on `rows`.
        rows: Row positions.
    """
    digest = hashlib.sha256(
        f"{cfexp.__version__} {FORMAT} {ratings.fingerprint}".encode()
    )
    digest.update(rows.astype("<i8", copy=False).tobytes())
    for known in (encoder.users, encoder.items, encoder.features.items()):
        digest.update(json.dumps(list(map(str, known))).encode())
    tables = {"user": ratings.users, "item": ratings.movies}
    for vocabulary in encoder.features.values():
        table = tables.get(vocabulary.of)
        if table is not None and vocabulary.column in table:
            # A fine-tuned model may know more than the dataset.
            update_digest(digest, table[vocabulary.column])
    folder = cache_dir() / f"encoded-{digest.hexdigest()[:16]}"
    if not intact(folder):
        try:
            keep(folder, lambda empty: _write(empty, ratings, encoder, rows))
        except OSError as error:
            raise DataError(
                f"the encoded rows cannot be written to {folder}: {error}. Set"
                " CFEXP_CACHE_DIR to a folder with room, or training.stream_from=null"
                " to hold them in memory."
            ) from error
    return _read(folder, encoder)


def _read(folder: Path, encoder: FeatureEncoder) -> Encoded:
    kinds = _kinds(encoder)
    columns = {n: np.load(folder / f"{n}.npy", mmap_mode="r") for n in kinds}
    features = {}
    for n, (name, known) in enumerate(encoder.features.items()):
        table = load_npz(folder / f"{feature_input(n)}.npz")
        features[name] = Feature(known.of, columns.pop(feature_input(n)), table)
    return Encoded(**columns, features=features, on_disk=True)


def _kinds(encoder: FeatureEncoder) -> dict[str, Any]:
    """Returns the columns of rows, as `Encoded.columns` names them, and their types."""
    own = {feature_input(n): np.int32 for n in range(len(encoder.features))}
    return {**COLUMNS, **own}


def _write(
    folder: Path, ratings: Ratings, encoder: FeatureEncoder, rows: IntArray
) -> None:
    columns = {
        name: np.lib.format.open_memmap(
            folder / f"{name}.npy", "w+", dtype=kind, shape=(len(rows),)
        )
        for name, kind in _kinds(encoder).items()
    }
    order = np.random.default_rng(0).permutation(rows)
    for start in range(0, len(rows), CHUNK):
        encoded = encoder.encode(ratings, order[start : start + CHUNK])
        for name, values in encoded.columns.items():
            columns[name][start : start + CHUNK] = values
    for n, feature in enumerate(encoded.features.values()):
        save_npz(folder / f"{feature_input(n)}.npz", feature.table)


def block_order(n_rows: int, rng: np.random.Generator) -> npt.NDArray[np.int32]:
    """Returns the rows of an epoch: blocks shuffled, then rows within each `POOL`."""
    starts = rng.permutation(np.arange(0, n_rows, BLOCK, dtype=np.int32))
    order = np.concatenate(
        [np.arange(s, min(s + BLOCK, n_rows), dtype=np.int32) for s in starts]
    )
    for start in range(0, n_rows, POOL * BLOCK):
        rng.shuffle(order[start : start + POOL * BLOCK])
    return order
