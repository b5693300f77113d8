"""MLflow calls of a run, made by the run itself or later by ``cfexp sync``."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import mlflow
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, RunTag
from mlflow.exceptions import MlflowException

from cfexp.errors import Pruned, TrackingError, first_line
from cfexp.evaluation.names import EPOCH, headline_first
from cfexp.tracking.connect import MAX_TEXT, connected
from cfexp.tracking.tags import ERROR, PARENT, PRUNED
from cfexp.tracking.unsynced import Record
from cfexp.training.history import Epoch

T = TypeVar("T")

BATCH = 1000  # the most metrics that MLflow accepts at a time
# MLflow's error codes if its database is locked, or if two processes write at once, for
# example the same dataset. A retry succeeds.
TEMPORARY = ("BAD_REQUEST", "TEMPORARILY_UNAVAILABLE")
WAITS = (0.1, 0.5, 2.0)  # seconds between retries


def retried(call: Callable[[], T]) -> T:
    """Returns the result of an idempotent call, retried on `TEMPORARY` errors."""
    for wait in WAITS:
        try:
            return call()
        except MlflowException as error:
            if error.error_code not in TEMPORARY:
                raise
            time.sleep(wait)
    return call()


def is_refused(error: BaseException | None) -> bool:
    """Returns whether MLflow refused a value, so that a retry would fail too."""
    refused = "INVALID_PARAMETER_VALUE"
    return isinstance(error, MlflowException) and error.error_code == refused


def open_record(record: Record) -> str:
    """Opens or resumes a record's run as MLflow's active run; returns its id.

    Raises:
        TrackingError: The server cannot be used, or does not have the run.
    """
    experiment_id = connected(record.tracking)
    parent = {PARENT: record.parent_id} if record.parent_id else {}
    tags = {**record.tags, **parent}
    try:
        if record.run_id:
            active = retried(lambda: mlflow.start_run(run_id=record.run_id))
            retried(lambda: mlflow.set_tags(tags))
        else:
            active = mlflow.start_run(
                experiment_id=experiment_id, run_name=record.name, tags=tags
            )
    except MlflowException as error:
        raise TrackingError(
            f"cannot start an MLflow run: {first_line(error)}"
        ) from error
    return str(active.info.run_id)


def log_inputs(run_id: str, inputs: Mapping[str, tuple[str, str, str]]) -> None:
    """Logs the datasets: name, fingerprint and profile (JSON) by context."""
    datasets = [
        DatasetInput(
            Dataset(name, fingerprint[:36], "cfexp", name, profile=profile),
            [InputTag("mlflow.data.context", context)],
        )
        for context, (name, fingerprint, profile) in inputs.items()
    ]
    mlflow.MlflowClient().log_inputs(run_id, datasets)


def epoch_metrics(epoch: Epoch) -> list[Metric]:
    """Returns an epoch's metrics with the time when the epoch ended.

    MLflow stores a metric only once if it is logged again with the same time, as after
    a resume or by ``cfexp sync``.
    """
    ended = int(epoch.time * 1000)
    values = {
        f"{EPOCH}train_rmse": epoch.train_rmse,
        f"{EPOCH}train_loss": epoch.train_loss,
        f"{EPOCH}val_rmse": epoch.val_rmse,
        f"{EPOCH}val_mae": epoch.val_mae,
        f"{EPOCH}monitored": epoch.monitored,
    }
    return [
        Metric(key, value, ended, epoch.epoch)
        for key, value in values.items()
        if not math.isnan(value)
    ]


class Unsent:
    """Metrics of epochs that are not sent yet, and those of the best epoch so far."""

    def __init__(self) -> None:
        self._epochs: list[Metric] = []
        self._headline: list[Metric] = []
        self._best = math.inf

    def add(self, epoch: Epoch) -> None:
        """Adds the metrics of an epoch."""
        if epoch.cost < self._best:
            self._best = epoch.cost
            self._headline = _headline(epoch)
        self._epochs += epoch_metrics(epoch)

    def take(self) -> list[Metric]:
        """Returns the metrics, which then count as sent."""
        # First, since MLflow lists metrics in the order in which they were logged.
        found = [*self._headline, *self._epochs]
        self._headline, self._epochs = [], []
        return found


def _headline(epoch: Epoch) -> list[Metric]:
    values = (epoch.val_rmse, epoch.val_mae, float(epoch.epoch))
    named = zip(("val_rmse", "val_mae", "best_epoch"), values, strict=True)
    return [
        Metric(name, value, int(epoch.time * 1000), 0)
        for name, value in named
        if not math.isnan(value)
    ]


def result_metrics(metrics: Mapping[str, float]) -> list[Metric]:
    """Returns a run's final metrics, the headline ones first."""
    now = int(time.time() * 1000)
    return [Metric(k, value, now, 0) for k, value in headline_first(metrics).items()]


def log_batch(
    run_id: str, metrics: Sequence[Metric], tags: Mapping[str, str] | None = None
) -> None:
    """Logs any number of metrics, and tags."""
    client, listed = (
        mlflow.MlflowClient(),
        [RunTag(*tag) for tag in (tags or {}).items()],
    )
    for start in range(0, len(metrics) or bool(listed), BATCH):
        batch = metrics[start : start + BATCH]
        client.log_batch(run_id, metrics=batch, tags=listed if start == 0 else ())


def status_of(error: BaseException | None) -> str:
    """Returns the status of an MLflow run that ended with `error`."""
    if error is None:
        return "FINISHED"
    stopped = isinstance(error, KeyboardInterrupt | Pruned)
    return "KILLED" if stopped else "FAILED"


def reason_of(error: BaseException | None) -> dict[str, str]:
    """Returns the tag that says why an MLflow run ended; none if it finished."""
    if error is None:
        return {}
    if isinstance(error, Pruned):
        return {PRUNED: f"after {error.after}"}
    return {ERROR: first_line(error)[:MAX_TEXT]}
