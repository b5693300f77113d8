"""A run above others: of a sweep's jobs, or of one model's folds and seeds."""

import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import mlflow
import pandas as pd
from mlflow.entities import Metric, Param, RunTag

from cfexp.errors import first_line
from cfexp.tracking.earlier import SWEEP_KEY, find_group
from cfexp.tracking.runs import KIND, connect, short_params
from cfexp.tracking.settings import Tracking

log = logging.getLogger(__name__)


class Group:
    """A run above others; one that was begun before is gone on with.

    Args:
        tracking: Where to track.
        kind: ``sweep`` or ``cv``.
        name: Name of the run.
        key: What the same sweep has again; None to open another one in any case.
        tags: Other tags.
        parent_id: The run that this one belongs to.
    """

    def __init__(
        self,
        tracking: Tracking,
        *,
        kind: str,
        name: str,
        key: str | None,
        tags: Mapping[str, str],
        parent_id: str | None = None,
    ):
        experiment_id = connect(tracking)
        # Kept: where many jobs run at once, another may point MLflow elsewhere.
        self._client = mlflow.MlflowClient()
        known = find_group(experiment_id, key) if key else None
        tags = {KIND: kind, SWEEP_KEY: key or "", **tags}
        if parent_id:
            tags["mlflow.parentRunId"] = parent_id
        if known:
            log.info("going on with %s %s: what is finished is kept", kind, known)
            self._client.update_run(known, status="RUNNING")
            for tag, value in tags.items():
                self._client.set_tag(known, tag, value)
            self.run_id = known
        else:
            made = self._client.create_run(experiment_id, run_name=name, tags=tags)
            self.run_id = str(made.info.run_id)

    def log(
        self,
        *,
        params: Mapping[str, object] | None = None,
        metrics: Mapping[str, float] | None = None,
        tags: Mapping[str, str] | None = None,
        files: tuple[Path, ...] = (),
    ) -> None:
        """Logs what is given; a server that is gone is a warning only."""
        now = int(time.time() * 1000)
        try:
            self._client.log_batch(
                self.run_id,
                params=[Param(*item) for item in short_params(params or {}).items()],
                metrics=[
                    Metric(name, value, now, 0)
                    for name, value in (metrics or {}).items()
                ],
                tags=[RunTag(*item) for item in (tags or {}).items()],
            )
            for file in files:
                self._client.log_artifact(self.run_id, str(file))
        except Exception as error:
            log.warning("MLflow did not take everything: %s", first_line(error))

    def log_table(self, table: pd.DataFrame, name: str) -> None:
        """Logs a table under the name of a JSON file."""
        try:
            self._client.log_table(self.run_id, table, name)
        except Exception as error:
            log.warning("MLflow did not take %s: %s", name, first_line(error))

    def finish(self, status: str) -> None:
        """Closes the run with an MLflow status."""
        try:
            self._client.set_terminated(self.run_id, status)
        except Exception as error:
            log.warning("MLflow did not take the end: %s", first_line(error))


def record_failure(
    tracking: Tracking, uri: str, *, parent_id: str, name: str, folder: str, error: str
) -> None:
    """Records a job that failed before it could open a run of its own.

    Args:
        tracking: Where to track.
        uri: The same, as it is from any folder.
        parent_id: The sweep.
        name: Name of the run.
        folder: The job's folder, by which a run of its own is known.
        error: What went wrong.
    """
    experiment_id = connect(replace(tracking, uri=uri))
    client = mlflow.MlflowClient()
    own = f"tags.`cfexp.folder` = '{folder}'"
    if client.search_runs([experiment_id], own, max_results=1):
        return
    failed = client.create_run(
        experiment_id,
        run_name=name,
        tags={
            "mlflow.parentRunId": parent_id,
            KIND: "train",
            "cfexp.folder": folder,
            "cfexp.error": error[:500],
        },
    )
    client.set_terminated(failed.info.run_id, "FAILED")
