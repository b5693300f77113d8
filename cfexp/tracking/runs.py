"""One MLflow run: opened before training, closed with the right status in any case."""

import logging
import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import mlflow
import pandas as pd
from mlflow.entities import Dataset, DatasetInput, Experiment, InputTag, Metric
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.pyfunc import PyFuncModel
from mlflow.tracking import MlflowClient
from mlflow.types.schema import ColSpec, DataType, Schema
from pandas.api.types import is_integer_dtype

from cfexp.errors import TrackingError, first_line
from cfexp.provenance import versions
from cfexp.tracking.database import create_database
from cfexp.tracking.settings import Tracking
from cfexp.training.history import Epoch

log = logging.getLogger(__name__)
T = TypeVar("T")

KIND = "cfexp.kind"
MODEL_NAME = "model"
# Makes the MLflow UI open with metrics and parameters, not with traces of agents.
EXPERIMENT_TAGS = {"mlflow.experimentKind": "custom_model_development"}
SERVING_PACKAGES = ("mlflow", "tensorflow", "keras", "pandas", "numpy")
# MLflow's own limit is 6,000; the whole configuration is an artifact anyway.
MAX_PARAM = 500
FLUSH_SECONDS = 2.0


def connect(tracking: Tracking) -> str:
    """Points MLflow at the tracking server and returns the experiment's id.

    Raises:
        TrackingError: The server or file cannot be used.
    """
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    # MLflow's defaults wait minutes for a server that is not there.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    mlflow.set_tracking_uri(tracking.uri)
    try:
        create_database(tracking.uri)
        found = mlflow.get_experiment_by_name(tracking.experiment)
        if found is None:
            found = _create_experiment(tracking.experiment)
    except Exception as error:
        raise TrackingError(
            f"cannot use tracking.uri={tracking.uri}: {first_line(error)[:300]}. Start"
            " the server, correct tracking.uri, or set tracking=none."
        ) from error
    if found.lifecycle_stage == "deleted":
        raise TrackingError(
            f"the experiment {tracking.experiment!r} was deleted. Restore it with"
            f" mlflow experiments restore -x {found.experiment_id}, or choose another"
            " with tracking.experiment=."
        )
    return found.experiment_id


def _create_experiment(name: str) -> Experiment:
    try:
        mlflow.create_experiment(name, tags=EXPERIMENT_TAGS)
    except MlflowException:
        # Another process may have been sooner.
        if mlflow.get_experiment_by_name(name) is None:
            raise
    return mlflow.get_experiment_by_name(name)


class MlflowRun:
    """An MLflow run, as a context manager that sets its final status.

    One background thread does everything that MLflow is asked to do, in order: its
    import and first contact take seconds, which training need not wait for. A server
    that fails during training does not end the run; one that fails at its end is an
    error that says where the results are.

    Args:
        tracking: Where to track.
        name: Name of the run.
        tags: Tags, such as the kind of the run and the data's fingerprint.
        parent_id: The run that this one belongs to.
        resume_id: A run to go on with.
    """

    def __init__(
        self,
        tracking: Tracking,
        *,
        name: str,
        tags: Mapping[str, str],
        parent_id: str | None = None,
        resume_id: str | None = None,
    ):
        self.name = name
        self._tracking = tracking
        self._pending: list[Metric] = []
        self._flushed = time.monotonic()
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="mlflow")
        self._parent = parent_id
        self._opened = self._worker.submit(self._open, dict(tags), resume_id)

    @property
    def run_id(self) -> str:
        """The run's id.

        Raises:
            TrackingError: The run could not be opened.
        """
        return self._opened.result()

    def __enter__(self) -> "MlflowRun":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self._worker.submit(self._close, error).result()
        except Exception as lost:
            log.warning("MLflow did not take the end of the run: %s", first_line(lost))
        self._worker.shutdown()

    def log_start(
        self, *, params: Mapping[str, Any], inputs: Mapping[str, tuple[str, str, str]]
    ) -> None:
        """Logs what is known before training.

        Args:
            params: Flat parameters; long values are cut, with a mark.
            inputs: Name, fingerprint and profile (JSON) by context.
        """
        short = short_params(params)
        datasets = [
            DatasetInput(
                Dataset(name, fingerprint[:36], "cfexp", name, profile=profile),
                [InputTag("mlflow.data.context", context)],
            )
            for context, (name, fingerprint, profile) in inputs.items()
        ]
        self._later(lambda: mlflow.log_params(short))
        self._later(lambda: MlflowClient().log_inputs(self.run_id, datasets))

    def log_epoch(self, epoch: Epoch) -> None:
        """Logs an epoch, together with others, at most every few seconds.

        Raises:
            TrackingError: The run could not be opened.
        """
        if self._opened.done():
            self._opened.result()
        now = int(time.time() * 1000)
        values = {
            "epoch/train_loss": epoch.train_loss,
            "epoch/val_rmse": epoch.val_rmse,
            "epoch/val_mae": epoch.val_mae,
        }
        self._pending += [
            Metric(key, value, now, epoch.epoch) for key, value in values.items()
        ]
        if time.monotonic() - self._flushed > FLUSH_SECONDS:
            self._flush()

    def log_results(self, metrics: Mapping[str, float], folder: Path) -> None:
        """Logs final metrics, and all files of `folder`.

        Raises:
            TrackingError: The server is gone; the message says where the results are.
        """

        def log_all() -> None:
            mlflow.log_metrics(dict(metrics))
            mlflow.log_artifacts(str(folder))

        self._flush()
        self._now(log_all, folder.parent)

    def log_model(self, folder: Path, *, example: pd.DataFrame) -> PyFuncModel:
        """Logs a saved predictor as an MLflow model, and returns it loaded again.

        Args:
            folder: What `Predictor.save` wrote.
            example: A few rows of input.

        Raises:
            TrackingError: The server is gone; the message says where the model is.
        """

        def log_and_load() -> PyFuncModel:
            info = mlflow.pyfunc.log_model(
                name=MODEL_NAME,
                loader_module="cfexp.serving",
                data_path=str(folder),
                # Makes the model loadable where cfexp is not installed.
                code_paths=[str(Path(__file__).parents[1])],
                # Given, or MLflow would import it all in a second Python to find out.
                pip_requirements=requirements(),
                signature=signature(example),
                input_example=example,
                registered_model_name=self._tracking.register_as,
            )
            return mlflow.pyfunc.load_model(info.model_uri)

        return self._now(log_and_load, folder.parent)

    def _open(self, tags: dict[str, str], resume_id: str | None) -> str:
        experiment_id = connect(self._tracking)
        try:
            if resume_id:
                active = mlflow.start_run(run_id=resume_id)
                parent = {"mlflow.parentRunId": self._parent} if self._parent else {}
                mlflow.set_tags(tags | parent)
            else:
                active = mlflow.start_run(
                    experiment_id=experiment_id,
                    run_name=self.name,
                    parent_run_id=self._parent,
                    tags=tags,
                )
        except MlflowException as error:
            raise TrackingError(f"cannot start an MLflow run: {error}") from error
        return str(active.info.run_id)

    def _close(self, error: BaseException | None) -> None:
        if self._opened.exception() is not None:
            return
        try:
            if error is not None:
                self._log_batch(self._pending)
                mlflow.set_tag("cfexp.error", first_line(error)[:MAX_PARAM])
        finally:
            mlflow.end_run(status_of(error))

    def _now(self, job: Callable[[], T], folder: Path) -> T:
        self._opened.result()
        try:
            return self._worker.submit(job).result()
        except Exception as error:
            raise TrackingError(
                f"the run finished, but {self._tracking.uri} did not take its results:"
                f" {first_line(error)[:300]}. Nothing is lost: they are in {folder},"
                f" and run_id={folder} uses the model."
            ) from error

    def _later(self, job: Callable[[], object]) -> None:
        def attempt() -> None:
            if self._opened.exception() is not None:
                return  # said by whoever needs the run next
            try:
                job()
            except Exception as error:
                log.warning("MLflow did not take everything: %s", first_line(error))

        self._worker.submit(attempt)

    def _flush(self) -> None:
        batch, self._pending = self._pending, []
        self._flushed = time.monotonic()
        self._later(lambda: self._log_batch(batch))

    def _log_batch(self, batch: list[Metric]) -> None:
        for start in range(0, len(batch), 1000):
            MlflowClient().log_batch(self.run_id, metrics=batch[start : start + 1000])


def status_of(error: BaseException | None) -> str:
    """Returns the status of an MLflow run that ended with `error`."""
    if error is None:
        return "FINISHED"
    return "KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED"


def signature(example: pd.DataFrame) -> ModelSignature:
    """Returns the signature of a model that takes rows like `example`."""
    columns = [
        ColSpec(
            DataType.long if is_integer_dtype(example[name]) else DataType.string,
            name,
            required=name != "genres",
        )
        for name in example.columns
    ]
    return ModelSignature(Schema(columns), Schema([ColSpec(DataType.double, "rating")]))


def requirements() -> list[str]:
    """Returns what a logged model needs to be served."""
    found = versions()
    return [f"{name}=={found[name]}" for name in SERVING_PACKAGES]


def short_params(params: Mapping[str, Any]) -> dict[str, str]:
    """Returns parameters as text; long ones are cut, with a mark."""
    texts = {key: str(value) for key, value in params.items()}
    return {
        key: text if len(text) <= MAX_PARAM else f"{text[: MAX_PARAM - 3]}..."
        for key, text in texts.items()
    }
