"""Checkpoints: everything needed to go on after the last finished epoch."""

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from cfexp.errors import TrainingError
from cfexp.training.history import Epoch

Weights = list[npt.NDArray[np.generic]]


@dataclass
class State:
    """The state of a training after a number of epochs.

    Attributes:
        epochs: The epochs so far.
        weights: Values of the model's variables.
        optimizer: Values of the optimizer's variables.
        best_weights: Values of the model's variables after the best epoch.
        note: What the caller wants kept, such as the id of the MLflow run.
    """

    epochs: list[Epoch] = field(default_factory=list)
    weights: Weights = field(default_factory=list)
    optimizer: Weights = field(default_factory=list)
    best_weights: Weights = field(default_factory=list)
    note: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Checkpointing:
    """Where to keep checkpoints, and what to keep in them.

    Attributes:
        path: The checkpoint file.
        note: Returns what to keep in the checkpoint, such as the MLflow run's id.
    """

    path: Path
    note: Callable[[], dict[str, str]]


LISTS = ("weights", "optimizer", "best_weights")


def save(path: Path, state: State) -> None:
    """Writes a checkpoint, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    meta = {"epochs": [asdict(e) for e in state.epochs], "note": state.note}
    arrays = {
        f"{name}_{i}": value
        for name in LISTS
        for i, value in enumerate(getattr(state, name))
    }
    partial = path.with_suffix(f".{os.getpid()}.tmp")
    with partial.open("wb") as file:
        np.savez(file, meta=np.array(json.dumps(meta)), **arrays)
    partial.replace(path)


def load(path: Path) -> State:
    """Reads a checkpoint.

    Raises:
        TrainingError: There is none, or it cannot be read.
    """
    if not path.exists():
        raise TrainingError(
            f"training.resume=true, but there is no checkpoint {path}: no run of"
            " exactly this configuration and seed was interrupted here. Start it with"
            " training.resume=false."
        )
    try:
        with np.load(path, allow_pickle=False) as saved:
            meta = json.loads(str(saved["meta"]))
            lists = {
                name: [
                    saved[f"{name}_{i}"]
                    for i in range(sum(key.startswith(f"{name}_") for key in saved))
                ]
                for name in LISTS
            }
    except (OSError, ValueError, KeyError) as error:
        raise TrainingError(
            f"the checkpoint {path} cannot be read: {error}. Delete it and start with"
            " training.resume=false."
        ) from error
    epochs = [Epoch(**epoch) for epoch in meta["epochs"]]
    return State(epochs=epochs, note=meta["note"], **lists)
