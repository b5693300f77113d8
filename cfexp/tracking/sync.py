"""``cfexp sync``: pushes runs that a tracking server did not take."""

import json
from contextlib import suppress
from pathlib import Path

import mlflow
import pandas as pd
from mlflow.entities import LoggedModelStatus
from mlflow.exceptions import MlflowException

from cfexp.arguments import Parser
from cfexp.errors import ConfigError, DamagedError, TrackingError, first_line
from cfexp.jobs import LOCK, RUN_LOCK, held
from cfexp.results import sample_of
from cfexp.tracking.connect import connect
from cfexp.tracking.model import MODEL_NAME, log_predictor, register
from cfexp.tracking.record import FILE, Record
from cfexp.tracking.write import (
    epoch_metrics,
    is_refused,
    log_batch,
    log_inputs,
    open_record,
)
from cfexp.training import checkpoint
from cfexp.training.history import Epoch

PLACES = ("outputs", "multirun")


def parser() -> Parser:
    """Returns the command's parser."""
    found = Parser(
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
        with held(folder / RUN_LOCK, wait=False) as left:
            if left:
                said = push(folder, uri=args.uri)
            else:
                said = "is still under way, and logs itself"
        print(f"{folder}: {said}")  # noqa: T201


def push(folder: Path, *, uri: str | None = None) -> str:
    """Tells MLflow all that a run's folder holds, and forgets that it has to.

    Args:
        folder: The run's folder, with no process at work in it.
        uri: Another server than the one that the run was to be tracked by.

    Returns:
        Which run it is, for people.

    Raises:
        TrackingError: The server cannot be used; the folder stays as it is.
    """
    record = Record.load(folder)
    if uri:
        record = record.at(uri)
    connect(record.tracking, existing=record.run_id is not None, searched=False)
    if record.run_id and _is_finished(record.run_id):
        Record.forget(folder)
        return f"run {record.run_id} has been finished by another process"
    run_id = open_record(record)
    try:
        _push_all(folder, record, run_id)
    except Exception as error:
        raise TrackingError(_said(error, folder, record, run_id)) from error
    Record.forget(folder)
    _forget_checkpoint(record.tags.get(LOCK), run_id)
    return f"run {run_id}"


def _is_finished(run_id: str) -> bool:
    try:
        return str(mlflow.get_run(run_id).info.status) == "FINISHED"
    except MlflowException:
        return False  # whoever opens it says why


def _said(error: Exception, folder: Path, record: Record, run_id: str) -> str:
    reason = first_line(error)[:300]
    if is_refused(error):
        return (
            f"{record.uri} refuses a part of {folder}, and would again: {reason}. Run"
            f" {run_id} lacks it. Correct {folder / FILE}, or push it to another server"
            " with --uri"
        )
    return (
        f"{record.uri} did not take {folder}: {reason}. Nothing is lost; try again"
        f" with: cfexp sync {folder}"
    )


def _forget_checkpoint(lock: str | None, run_id: str) -> None:
    """Removes what a killed run left beside its lock, if it is of that run."""
    path = Path(lock or "").with_suffix(".npz") if lock else None
    if path is None or not path.exists():
        return
    with held(Path(str(lock)), wait=False) as free, suppress(DamagedError):
        if free and checkpoint.load(path).note.get("run_id") == run_id:
            path.unlink()


def _has_model(run_id: str) -> bool:
    """Returns whether a run's model was logged to its end."""
    outputs = mlflow.get_run(run_id).outputs.model_outputs
    models = [mlflow.get_logged_model(output.model_id) for output in outputs]
    return any(model.status == LoggedModelStatus.READY for model in models)


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
    if (results / "tags.json").exists():  # with those that are known at the end only
        mlflow.set_tags(json.loads((results / "tags.json").read_text()))
    if results.is_dir():
        mlflow.log_artifacts(str(results))
    if (folder / MODEL_NAME).is_dir():
        if not _has_model(run_id):
            log_predictor(folder / MODEL_NAME, example=sample_of(folder))
        if record.register_as is not None:
            register(run_id, record.register_as)
    mlflow.end_run(record.status)
