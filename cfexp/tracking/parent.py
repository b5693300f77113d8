"""A run above others: of a sweep's jobs, or of one model's folds and seeds."""

import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType

import mlflow
from mlflow.entities import Metric, Param, RunTag

from cfexp.errors import first_line, masked
from cfexp.tracking.calls import status_of
from cfexp.tracking.connect import MAX_TEXT, connect, short_params
from cfexp.tracking.previous import find_parent
from cfexp.tracking.settings import NewRun, Tracking
from cfexp.tracking.tags import ERROR, FOLDER, KIND, PARENT, SWEEP_KEY
from cfexp.tracking.unsynced import Record

log = logging.getLogger(__name__)

MOST_RUNS = 50_000  # the most that MLflow returns


class ParentRun:
    """The run of a sweep, or of several folds and seeds; one begun before is resumed.

    Args:
        tracking: Where to track.
        new: The run.
        kind: ``sweep`` or ``cv``.
        key: What the same sweep has again; None to open another one in any case.
    """

    def __init__(self, tracking: Tracking, new: NewRun, *, kind: str, key: str | None):
        experiment_id = connect(tracking)
        # Kept, since another job of this process may point MLflow elsewhere.
        self._client = mlflow.MlflowClient()
        self._folder = new.folder
        self._lost: str | None = None
        tags = {KIND: kind, SWEEP_KEY: key or "", **new.tags}
        if new.parent_id:
            tags[PARENT] = new.parent_id
        known = find_parent(experiment_id, key) if key else None
        if known:
            log.info("resuming %s %s: what is finished is kept", kind, known)
            self._client.update_run(known, status="RUNNING")
            for tag, value in tags.items():
                self._client.set_tag(known, tag, value)
            self.run_id = known
        else:
            made = self._client.create_run(experiment_id, run_name=new.name, tags=tags)
            self.run_id = str(made.info.run_id)
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
        self.finish(status_of(error))

    def log(
        self,
        *,
        params: Mapping[str, object] | None = None,
        metrics: Mapping[str, float] | None = None,
        tags: Mapping[str, str] | None = None,
        files: Path | None = None,
    ) -> None:
        """Logs what is given, once; `files` is a folder."""
        now = int(time.time() * 1000)
        short = short_params(params or {})
        self._record = replace(
            self._record,
            params=short,
            metrics=dict(metrics or {}),
            tags={**self._record.tags, **dict(tags or {})},
        )
        listed = [Metric(k, value, now, 0) for k, value in (metrics or {}).items()]
        try:
            self._client.log_batch(
                self.run_id,
                params=[Param(*item) for item in short.items()],
                metrics=listed,
                tags=[RunTag(*item) for item in (tags or {}).items()],
            )
            if files:
                self._client.log_artifacts(self.run_id, str(files))
        except Exception as error:
            self._lost = first_line(error)

    def finish(self, status: str) -> None:
        """Closes the run with an MLflow status, or keeps it for ``cfexp sync``."""
        try:
            if self._lost is None:
                self._client.set_terminated(self.run_id, status)
        except Exception as error:
            self._lost = first_line(error)
        if self._lost is not None:
            replace(self._record, status=status).save(self._folder)
            log.error(
                "%s did not take the parent run: %s. Push it with: cfexp sync %s",
                masked(self._record.uri),
                self._lost[:200],
                self._folder,
            )


def record_failure(
    tracking: Tracking, *, parent_id: str, name: str, folder: str, error: str
) -> None:
    """Records a job that failed before it could open a run of its own.

    Args:
        tracking: Where to track.
        parent_id: The sweep.
        name: Name of the run.
        folder: The job's folder, by which a run of its own is known.
        error: What went wrong.
    """
    experiment_id = connect(tracking)
    client = mlflow.MlflowClient()
    # A folder may hold quotes, which MLflow's filters cannot escape.
    siblings = client.search_runs(
        [experiment_id],
        f"tags.mlflow.parentRunId = '{parent_id}'",
        max_results=MOST_RUNS,
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
