"""Parent runs: of a sweep's jobs, or of an experiment's folds and seeds."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType

import mlflow
from mlflow.entities import Param, RunTag

from cfexp.errors import first_line, masked
from cfexp.tracking.calls import reason_of, result_metrics, status_of
from cfexp.tracking.connect import MAX_TEXT, connect, short_params
from cfexp.tracking.previous import find_parent
from cfexp.tracking.settings import NewRun, Tracking
from cfexp.tracking.tags import ERROR, FOLDER, KIND, PARENT, PRUNED, SWEEP_KEY
from cfexp.tracking.unsynced import Record

log = logging.getLogger(__name__)

MAX_RUNS = 50_000  # the most that MLflow returns


class ParentRun:
    """The parent run of a sweep, or of folds and seeds; resumed if begun before.

    Args:
        tracking: Where to track.
        new: The run to open.
        kind: ``sweep`` or ``cv``.
        key: Key of the sweep, to find one begun before; None to open a new run.
    """

    def __init__(self, tracking: Tracking, new: NewRun, *, kind: str, key: str | None):
        experiment_id = connect(tracking)
        # Its own client: another job of this process may connect MLflow elsewhere.
        self._client = mlflow.MlflowClient()
        self._folder = new.folder
        self._error: str | None = None
        tags = {KIND: kind, SWEEP_KEY: key or "", **new.tags}
        if new.parent_id:
            tags[PARENT] = new.parent_id
        known = find_parent(experiment_id, key) if key else None
        if known:
            log.info("resuming %s %s: finished jobs are skipped", kind, known)
            self._client.update_run(known, status="RUNNING")
            for tag in {ERROR, PRUNED} & self._client.get_run(known).data.tags.keys():
                self._client.delete_tag(known, tag)  # why it ended before
            for tag, value in tags.items():
                self._client.set_tag(known, tag, value)
            self.run_id = known
        else:
            run = self._client.create_run(experiment_id, run_name=new.name, tags=tags)
            self.run_id = str(run.info.run_id)
        self._record = Record(
            uri=tracking.absolute_uri,
            experiment=tracking.experiment,
            register_as=None,
            name=new.name,
            run_id=self.run_id,
            parent_id=new.parent_id,
            status="RUNNING",
            tags=tags,
        )

    def __enter__(self) -> "ParentRun":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.finish(status_of(error), reason_of(error))

    def log(
        self,
        *,
        params: Mapping[str, object] | None = None,
        metrics: Mapping[str, float] | None = None,
        tags: Mapping[str, str] | None = None,
        files: Path | None = None,
    ) -> None:
        """Logs parameters, metrics, tags and the files of a folder; call it once."""
        short = short_params(params or {})
        self._record = replace(
            self._record,
            params=short,
            metrics=dict(metrics or {}),
            tags={**self._record.tags, **dict(tags or {})},
        )
        try:
            self._client.log_batch(
                self.run_id,
                params=[Param(*item) for item in short.items()],
                metrics=result_metrics(metrics or {}),
                tags=[RunTag(*item) for item in (tags or {}).items()],
            )
            if files:
                self._client.log_artifacts(self.run_id, str(files))
        except Exception as error:
            self._error = first_line(error)

    def finish(self, status: str, tags: Mapping[str, str] | None = None) -> None:
        """Closes the run with an MLflow status; saves a record if that fails.

        Args:
            status: The status.
            tags: Why it ended, if it did not finish.
        """
        tags = dict(tags or {})
        self._record = replace(self._record, tags={**self._record.tags, **tags})
        try:
            if self._error is None:
                for tag, value in tags.items():
                    self._client.set_tag(self.run_id, tag, value)
                self._client.set_terminated(self.run_id, status)
        except Exception as error:
            self._error = first_line(error)
        if self._error is not None:
            replace(self._record, status=status).save(self._folder)
            log.error(
                "cannot log the parent run to %s: %s. Push it with: cfexp sync %s",
                masked(self._record.uri),
                self._error[:200],
                self._folder,
            )


def record_failure(
    tracking: Tracking, *, parent_id: str, name: str, folder: str, error: str
) -> None:
    """Logs a failed run for a job of a sweep, unless the job has opened its own.

    Args:
        tracking: Where to track.
        parent_id: Id of the sweep's parent run.
        name: Name of the run.
        folder: The job's folder, which identifies its own run.
        error: Why the job failed.
    """
    experiment_id = connect(tracking)
    client = mlflow.MlflowClient()
    # A folder may hold quotes, which MLflow's filters cannot escape.
    siblings = client.search_runs(
        [experiment_id],
        f"tags.mlflow.parentRunId = '{parent_id}'",
        max_results=MAX_RUNS,
    )
    if any(run.data.tags.get(FOLDER) == folder for run in siblings):
        return
    failed = client.create_run(
        experiment_id,
        run_name=name,
        tags={
            PARENT: parent_id,
            KIND: "train",
            FOLDER: folder,
            ERROR: error[:MAX_TEXT],
        },
    )
    client.set_terminated(failed.info.run_id, "FAILED")
