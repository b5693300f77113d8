"""Whether a saved network's file holds its weights, without loading the network."""

import hashlib
import io
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import h5py  # type: ignore[import-untyped]
import numpy as np

from cfexp.models.base import Scorer
from cfexp.models.forward import MAX_BYTES, size_of
from cfexp.models.scorer import KerasScorer
from cfexp.models.signature import Signature, signature

WEIGHTS = "model.weights.h5"  # in a file of the Keras format


def architecture_of(scorer: Scorer, folder: Path) -> Signature | None:
    """Returns the architecture of a saved network whose stored weights are its own.

    Another network of the same architecture is loaded by the same steps, so that one of
    them need not be loaded to know that it predicts the same.

    Args:
        scorer: What was saved.
        folder: Where to, see `KerasScorer.save`.

    Returns:
        None if it is no single network, is large, shares no architecture with others,
        or if its weights are not those in the file.
    """
    if not isinstance(scorer, KerasScorer):
        return None
    if size_of(scorer.model.variables) > MAX_BYTES:
        return None  # to load it takes less memory than both copies
    own = _counted(v.numpy() for v in scorer.model.variables)
    if own != _counted(_values(folder / scorer.FILE)):
        return None
    return signature(scorer.model)


def _values(file: Path) -> list[Any]:
    """Returns all arrays in a file of the Keras format, in any order."""
    found: list[Any] = []

    def visit(_: str, entry: Any) -> None:
        if isinstance(entry, h5py.Dataset):
            found.append(entry[()])

    with ZipFile(file) as archive, h5py.File(io.BytesIO(archive.read(WEIGHTS))) as h5:
        h5.visititems(visit)
    return found


def _counted(arrays: Iterable[Any]) -> Counter[tuple[Any, ...]]:
    return Counter(
        (a.shape, str(a.dtype), hashlib.sha256(a.tobytes()).digest())
        for a in map(np.asarray, arrays)
    )
