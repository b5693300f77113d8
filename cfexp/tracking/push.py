"""Pushes the content of a run's folder to MLflow."""

import json
from contextlib import suppress
from pathlib import Path

import mlflow
import pandas as pd
from mlflow.entities import LoggedModelStatus
from mlflow.exceptions import MlflowException

from cfexp.errors import DamagedError, TrackingError, first_line
from cfexp.runtime.locks import held
from cfexp.tracking.calls import (
    epoch_metrics,
    is_refused,
    log_batch,
    log_inputs,
    open_record,
    result_metrics,
)
from cfexp.tracking.connect import connect
from cfexp.tracking.folder import sample_of
from cfexp.tracking.model import log_predictor, model_name, register
from cfexp.tracking.tags import owner_of
from cfexp.tracking.unsynced import FILE, Record
from cfexp.training import checkpoint
from cfexp.training.history import Epoch


def push(folder: Path, *, uri: str | None = None) -> str:
    """Logs the content of a run's folder to MLflow, and removes the record of it.

    Args:
        folder: The run's folder, which no process is writing to.
        uri: Server to push to, instead of the run's own.

    Returns:
        A text that names the run.

    Raises:
        TrackingError: The server cannot be used; the folder is not changed.
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
        raise TrackingError(_message(error, folder, record, run_id)) from error
    Record.forget(folder)
    _forget_checkpoint(owner_of(record.tags)[1], run_id)
    return f"run {run_id}"


def _is_finished(run_id: str) -> bool:
    try:
        return str(mlflow.get_run(run_id).info.status) == "FINISHED"
    except MlflowException:
        return False  # opening the run raises the error


def _message(error: Exception, folder: Path, record: Record, run_id: str) -> str:
    reason = first_line(error)[:300]
    if is_refused(error):
        return (
            f"{record.uri} refuses a part of {folder}, which run {run_id} lacks:"
            f" {reason}. Correct {folder / FILE}, or push the run to another server"
            " with --uri"
        )
    return (
        f"cannot push {folder} to {record.uri}: {reason}. Nothing is lost; try again"
        f" with: cfexp sync {folder}"
    )


def _forget_checkpoint(lock: Path | None, run_id: str) -> None:
    """Removes the checkpoint beside a run's lock, if it belongs to the run."""
    path = lock.with_suffix(".npz") if lock else None
    if lock is None or path is None or not path.exists():
        return
    with held(lock, wait=False) as free, suppress(DamagedError):
        if free and checkpoint.load(path).note.get("run_id") == run_id:
            path.unlink()


def _has_model(run_id: str) -> bool:
    """Returns whether a run's model was logged completely."""
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
    tags = {}
    if (results / "tags.json").exists():  # including those added at the end
        tags = json.loads((results / "tags.json").read_text())
    log_batch(run_id, result_metrics(metrics), tags)
    if results.is_dir():
        mlflow.log_artifacts(str(results))
    if (folder / "model").is_dir():
        if not _has_model(run_id):
            name, example = model_name(record.tags), sample_of(folder)
            log_predictor(folder / "model", name=name, example=example)
        if record.register_as is not None:
            register(run_id, record.register_as)
    mlflow.end_run(record.status)
