"""An MLflow run, opened before training and closed with the right status."""

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

import mlflow
import pandas as pd

from cfexp.errors import first_line, masked
from cfexp.models.predictor import Predictor
from cfexp.runtime.locks import alone_in
from cfexp.tracking.background import Background
from cfexp.tracking.calls import (
    Unsent,
    is_refused,
    log_batch,
    log_inputs,
    open_record,
    reason_of,
    result_metrics,
    retried,
    status_of,
)
from cfexp.tracking.connect import short_params
from cfexp.tracking.model import log_predictor, model_name, register, reloaded
from cfexp.tracking.settings import NewRun, Tracking
from cfexp.tracking.unsynced import Record
from cfexp.training.history import Epoch

log = logging.getLogger(__name__)

FLUSH_SECONDS = 2.0
Load = Callable[[], Any]


class MlflowRun:
    """An MLflow run, as a context manager that sets its final status.

    If logging fails, or the process dies while it logs the results, the record of the
    run stays in its folder, and ``cfexp sync`` pushes it.

    Args:
        tracking: Where to track.
        new: The run to open.
        resume_id: Id of a run to resume instead.
    """

    def __init__(self, tracking: Tracking, new: NewRun, resume_id: str | None = None):
        self.name = new.name
        self._folder = new.folder
        self._record = Record(
            uri=tracking.absolute_uri,
            experiment=tracking.experiment,
            register_as=tracking.register_as,
            name=new.name,
            run_id=resume_id,
            parent_id=new.parent_id,
            status="RUNNING",
            tags=dict(new.tags),
        )
        self._saved: Record | None = None
        self._unsent = Unsent()
        self._flushed = time.monotonic()
        self._lock = ExitStack()
        self._lock.enter_context(alone_in(new.folder))
        self._mlflow = Background(lambda: open_record(self._record))

    @property
    def run_id(self) -> str:
        """The run's id.

        Raises:
            TrackingError: The run could not be opened.
        """
        return self._mlflow.run_id

    def __enter__(self) -> "MlflowRun":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._lock, self._mlflow:
            if not self._mlflow.is_open:
                return
            self._mlflow.now(lambda: self._close(error), lambda: None)
            if self._mlflow.error is None:
                Record.forget(self._folder)
            else:
                self._save_record(error, self._mlflow.error)

    def log_start(
        self, *, params: Mapping[str, Any], inputs: Mapping[str, tuple[str, str, str]]
    ) -> None:
        """Logs parameters and data, before training.

        Args:
            params: Flat parameters; long values are truncated, see `short_params`.
            inputs: Name, fingerprint and profile (JSON) by context.
        """
        short = short_params(params)
        self._record = replace(self._record, params=short, inputs=dict(inputs))
        self._mlflow.later(lambda: mlflow.log_params(short))
        self._mlflow.later(lambda: log_inputs(self.run_id, inputs))

    def log_epoch(self, epoch: Epoch) -> None:
        """Logs an epoch; epochs are sent in batches, every few seconds.

        Raises:
            TrackingError: The run could not be opened.
        """
        self._mlflow.check()
        self._unsent.add(epoch)
        if time.monotonic() - self._flushed > FLUSH_SECONDS:
            self._flush()

    def log_results(
        self,
        metrics: Mapping[str, float],
        folder: Path,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Logs final metrics and tags, and all files of `folder`.

        Raises:
            TrackingError: The run could not be opened.
        """
        self.record_finished(tags)
        # At once, since each call takes the database as long as fifty metrics.
        batch = [*self._unsent.take(), *result_metrics(metrics)]

        def log_all() -> None:
            retried(lambda: log_batch(self.run_id, batch, tags))
            mlflow.log_artifacts(str(folder))

        self._mlflow.now(log_all, lambda: None)

    def log_model(
        self, folder: Path, *, example: pd.DataFrame, note: str
    ) -> Callable[[], Load]:
        """Logs a saved predictor as an MLflow model, without waiting for it.

        Args:
            folder: A folder written by `Predictor.save`.
            example: A few rows of input.
            note: Description of the model.

        Returns:
            A function that waits for it and returns what loads the model.

        Raises:
            TrackingError: The run could not be opened.
        """

        def log_model() -> Load:
            name = model_name(self._record.tags)
            info = log_predictor(folder, name=name, example=example)
            if self._record.register_as is not None:
                self._register(self._record.register_as, note)
            return lambda: self._mlflow.now(lambda: reloaded(info.model_uri), saved)

        def saved() -> Any:
            return Predictor.load(folder)

        return self._mlflow.soon(log_model, lambda: saved)

    def _register(self, name: str, note: str) -> None:
        """Registers the model; if MLflow refuses the name, the run still finishes."""
        try:
            register(self.run_id, name, note)
        except Exception as error:
            if not is_refused(error):
                raise
            log.error(
                "the model is logged, but MLflow refuses to register it as %s: %s."
                " Register it under another name with: cfexp promote %s --name NAME",
                name,
                first_line(error)[:200],
                self.run_id,
            )

    def record_finished(self, tags: Mapping[str, str] | None = None) -> None:
        """Saves a record of the finished run, in case this process dies meanwhile.

        Args:
            tags: Further tags of the run.
        """
        self._record = replace(self._record, tags={**self._record.tags, **(tags or {})})
        record = replace(self._record, run_id=self.run_id, status="FINISHED")
        if record != self._saved:
            record.save(self._folder)
            self._saved = record

    def _close(self, error: BaseException | None) -> None:
        self._mlflow.retry()
        if error is not None:
            log_batch(self.run_id, self._unsent.take())
            mlflow.set_tags(reason_of(error))
        retried(lambda: mlflow.end_run(status_of(error)))

    def _flush(self) -> None:
        batch = self._unsent.take()
        self._flushed = time.monotonic()
        self._mlflow.later(lambda: log_batch(self.run_id, batch))

    def _save_record(self, error: BaseException | None, lost: Exception) -> None:
        """Saves a record of the run, and logs how to push it.

        Args:
            error: The error that ended the run, if any.
            lost: The error of logging it to MLflow.
        """
        record = replace(self._record, run_id=self.run_id, status=status_of(error))
        if error is not None:
            record = replace(record, tags={**record.tags, **reason_of(error)})
        try:
            record.save(self._folder)
        except OSError as full:  # an earlier record may still be there
            log.error("cannot save how the run ended: %s", first_line(full)[:200])
        how = f"push it with: cfexp sync {self._folder}"
        if is_refused(lost):
            how = f"push it to another server with: cfexp sync {self._folder} --uri URI"
        log.error(
            "cannot log the run to %s: %s. Nothing is lost: it is in %s; %s",
            masked(record.uri),
            first_line(lost)[:200],
            self._folder,
            how,
        )
