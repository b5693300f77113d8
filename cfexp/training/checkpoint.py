"""Checkpoints: everything needed to resume after the last finished epoch."""

import json
import math
from collections.abc import Callable
from dataclasses import asdict, astuple, dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from cfexp.errors import ConfigError, DamagedError, first_line
from cfexp.runtime.files import write_whole
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
        note: The caller's own values, such as the id of the MLflow run.
    """

    epochs: list[Epoch] = field(default_factory=list)
    weights: Weights = field(default_factory=list)
    optimizer: Weights = field(default_factory=list)
    best_weights: Weights = field(default_factory=list)
    note: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Checkpointing:
    """Where to save checkpoints, and what to save with them.

    Attributes:
        path: The checkpoint file.
        note: Returns the caller's own values to save, such as the id of the MLflow run.
        restart_if_damaged: Start training again if the checkpoint is damaged, instead
            of raising an error.
    """

    path: Path
    note: Callable[[], dict[str, str]]
    restart_if_damaged: bool = False


LISTS = ("weights", "optimizer", "best_weights")


def save(path: Path, state: State) -> None:
    """Writes a checkpoint atomically."""
    meta = {"epochs": [asdict(e) for e in state.epochs], "note": state.note}
    arrays = {
        f"{name}_{i}": value
        for name in LISTS
        for i, value in enumerate(getattr(state, name))
    }
    text = np.array(json.dumps(meta))
    write_whole(path, lambda file: np.savez(file, meta=text, **arrays))


def load(path: Path) -> State:
    """Reads a checkpoint.

    Raises:
        ConfigError: The file does not exist.
        DamagedError: The file cannot be read, or is not a checkpoint.
    """
    if not path.exists():
        raise ConfigError(
            f"training.resume=true, but there is no checkpoint {path}: no run of"
            " exactly this configuration and seed was interrupted here. Start it with"
            " training.resume=false."
        )
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as saved:
            meta = json.loads(str(saved["meta"]))
            lists = {
                name: [
                    saved[f"{name}_{i}"]
                    for i in range(sum(key.startswith(f"{name}_") for key in saved))
                ]
                for name in LISTS
            }
        epochs = [Epoch(**epoch) for epoch in meta["epochs"]]
        if not all(isinstance(v, int | float) for e in epochs for v in astuple(e)):
            raise ValueError("its epochs hold values that are not numbers")
        return State(epochs=epochs, note=dict(meta["note"]), **lists)
    # A damaged archive can raise any error of zipfile, zlib, numpy or json.
    except Exception as error:
        raise damaged(path, first_line(error)) from error


def check_fits(path: Path, state: State, weights: Weights, optimizer: Weights) -> None:
    """Checks that a checkpoint belongs to a model, before it is restored.

    Args:
        path: The checkpoint file.
        state: Its content.
        weights: Present values of the model's variables.
        optimizer: Present values of the optimizer's variables.

    Raises:
        DamagedError: The checkpoint's arrays differ from these in number, shape or
            type.
    """
    wanted = {"weights": weights, "optimizer": optimizer, "best_weights": weights}
    for name, values in wanted.items():
        found = [(value.shape, value.dtype) for value in getattr(state, name)]
        never_validated = all(math.isnan(epoch.cost) for epoch in state.epochs)
        if name == "best_weights" and not found and never_validated:
            continue
        if found != [(value.shape, value.dtype) for value in values]:
            raise damaged(path, f"its {name} are not those of this model")


def damaged(path: Path, reason: str) -> DamagedError:
    """Returns the error for a damaged checkpoint."""
    return DamagedError(
        f"the checkpoint {path} is damaged: {reason[:200].rstrip('.')}",
        "Delete it, or start again with training.resume=false.",
    )
