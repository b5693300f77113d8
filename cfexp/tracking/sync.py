"""``cfexp sync``: pushes runs that a tracking server did not take."""

import argparse
import json
from pathlib import Path

import mlflow
import pandas as pd

from cfexp.errors import ConfigError, TrackingError, first_line
from cfexp.results import sample_of
from cfexp.tracking.model import MODEL_NAME, log_predictor
from cfexp.tracking.reach import check_reachable
from cfexp.tracking.record import FILE, Record
from cfexp.tracking.write import epoch_metrics, log_batch, log_inputs, open_record
from cfexp.training.history import Epoch

PLACES = ("outputs", "multirun")


def parser() -> argparse.ArgumentParser:
    """Returns the command's parser."""
    found = argparse.ArgumentParser(
        prog="cfexp sync",
        description="Pushes runs that their tracking server did not take.",
    )
    found.add_argument(
        "folders",
        nargs="*",
        type=Path,
        metavar="FOLDER",
        help="runs' folders, or folders of them; outputs and multirun where none is",
    )
    found.add_argument("--uri", help="push to this server rather than to their own")
    return found


def main(arguments: list[str]) -> None:
    """Pushes runs and prints their ids.

    Raises:
        CfexpError: There is nothing to push, or the server cannot be used.
    """
    args = parser().parse_args(arguments)
    places = args.folders or [Path(place) for place in PLACES]
    # The runs above others first.
    found = sorted({path.parent for place in places for path in place.rglob(FILE)})
    if not found:
        listed = ", ".join(map(str, places))
        raise ConfigError(f"there is no run to push ({FILE}) in {listed}")
    for folder in found:
        run_id = push(folder, uri=args.uri)
        print(f"{folder}: run {run_id}")  # noqa: T201


def push(folder: Path, *, uri: str | None = None) -> str:
    """Tells MLflow all that a run's folder holds, and forgets that it has to.

    Args:
        folder: The run's folder.
        uri: Another server than the one that the run was to be tracked by.

    Returns:
        The run's id.

    Raises:
        TrackingError: The server cannot be used; the folder stays as it is.
    """
    record = Record.load(folder)
    if uri:
        record = record.at(uri)
    check_reachable(record.uri)
    run_id = open_record(record)
    try:
        _push_all(folder, record, run_id)
    except Exception as error:
        raise TrackingError(
            f"{record.uri} did not take {folder}: {first_line(error)[:300]}. Nothing is"
            f" lost; try again with: cfexp sync {folder}"
        ) from error
    (folder / FILE).unlink()
    return run_id


def _push_all(folder: Path, record: Record, run_id: str) -> None:
    results = folder / "results"
    mlflow.log_params(dict(record.params))
    log_inputs(run_id, record.inputs)
    metrics = dict(record.metrics)
    if (results / "epochs.csv").exists():
        epochs = pd.read_csv(results / "epochs.csv").to_dict("records")
        listed = [m for e in epochs for m in epoch_metrics(Epoch(**e))]
        log_batch(run_id, listed)
    if (results / "metrics.json").exists():
        metrics |= json.loads((results / "metrics.json").read_text())
    if metrics:
        mlflow.log_metrics(metrics)
    if results.is_dir():
        mlflow.log_artifacts(str(results))
    has_model = mlflow.get_run(run_id).outputs.model_outputs
    if (folder / MODEL_NAME).is_dir() and not has_model:
        log_predictor(
            folder / MODEL_NAME,
            example=sample_of(folder),
            register_as=record.register_as,
        )
    mlflow.end_run(record.status)
