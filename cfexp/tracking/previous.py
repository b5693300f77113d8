"""Finds runs of the same job, and a sweep that was begun before."""

import logging
import socket
from dataclasses import dataclass
from pathlib import Path

import mlflow
from mlflow.entities import Run

from cfexp.runtime.locks import is_free
from cfexp.tracking.connect import connect
from cfexp.tracking.settings import Tracking
from cfexp.tracking.tags import (
    FOLDER,
    HOST,
    INCLUDES,
    JOB_KEY,
    KIND,
    LOCK,
    PARENT,
    SWEEP_KEY,
)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Earlier:
    """A run of the same job.

    Attributes:
        run_id: Its id.
        finished: Whether there is nothing left to do.
        metrics: Its metrics.
        folder: The folder that it was written to.
    """

    run_id: str
    finished: bool
    metrics: dict[str, float]
    folder: str


def find_earlier(
    tracking: Tracking, key: str, *, lock: Path, parent_id: str | None
) -> Earlier | None:
    """Returns a finished run of a job, else one that was begun and left.

    Args:
        tracking: Where to look.
        key: The job's key.
        lock: The job's lock file, held by this process.
        parent_id: The run that is to hold the job; told of a finished run elsewhere.
    """
    # Before the client, which keeps to where MLflow points when it is made.
    experiment_id = connect(tracking)
    client = mlflow.MlflowClient()
    found = client.search_runs(
        [experiment_id], f"tags.`{JOB_KEY}` = '{key}' and tags.`{KIND}` = 'train'"
    )
    finished = [run for run in found if run.info.status == "FINISHED"]
    left = [run for run in found if run not in finished and _is_left(run, lock)]
    if not finished and not left:
        return None
    run = (finished or left)[0]
    if finished and parent_id and run.data.tags.get(PARENT) != parent_id:
        client.set_tag(parent_id, INCLUDES + run.info.run_id, run.info.run_name)
    return Earlier(
        run.info.run_id,
        bool(finished),
        dict(run.data.metrics),
        run.data.tags[FOLDER],
    )


def find_parent(experiment_id: str, key: str) -> str | None:
    """Returns the id of the newest parent run with the key of a sweep."""
    found = mlflow.MlflowClient().search_runs(
        [experiment_id], f"tags.`{SWEEP_KEY}` = '{key}'", max_results=1
    )
    return str(found[0].info.run_id) if found else None


def _is_left(run: Run, lock: Path) -> bool:
    """Returns whether no process is at work on an unfinished run any more."""
    if run.info.status in ("FAILED", "KILLED"):
        return True
    theirs = Path(run.data.tags[LOCK])
    # This process holds the job's lock; another one may lie elsewhere.
    if theirs == lock.absolute():
        return True
    if run.data.tags[HOST] == socket.gethostname():
        return not theirs.exists() or is_free(theirs)
    log.warning(
        "run %s of the same job may still be running on %s; training it here too",
        run.info.run_id,
        run.data.tags[HOST],
    )
    return False
