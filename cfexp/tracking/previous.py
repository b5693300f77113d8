"""Finds earlier runs of the same job or sweep."""

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
    INCLUDES,
    JOB_KEY,
    KIND,
    PARENT,
    PRUNED,
    SWEEP_KEY,
    owner_of,
)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Earlier:
    """An earlier run of the same job.

    Attributes:
        run_id: Its id.
        finished: Whether it is finished; if not, it can be resumed.
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
    """Returns a finished run of a job, else one that was interrupted, else None.

    Args:
        tracking: Where to search.
        key: The job's key.
        lock: The job's lock file, held by this process.
        parent_id: Id of the parent run; tagged with a finished run that it does not
            own.
    """
    # Before the client is created, which stays connected to the present server.
    experiment_id = connect(tracking)
    client = mlflow.MlflowClient()
    found = client.search_runs(
        [experiment_id], f"tags.`{JOB_KEY}` = '{key}' and tags.`{KIND}` = 'train'"
    )
    finished = [run for run in found if run.info.status == "FINISHED"]
    stopped = [run for run in found if run not in finished and _is_stopped(run, lock)]
    if not finished and not stopped:
        return None
    run = (finished or stopped)[0]
    if finished and parent_id and run.data.tags.get(PARENT) != parent_id:
        client.set_tag(parent_id, INCLUDES + run.info.run_id, run.info.run_name)
    return Earlier(
        run.info.run_id,
        bool(finished),
        dict(run.data.metrics),
        run.data.tags[FOLDER],
    )


def find_parent(experiment_id: str, key: str) -> str | None:
    """Returns the id of the newest parent run with this key; None if there is none."""
    found = mlflow.MlflowClient().search_runs(
        [experiment_id], f"tags.`{SWEEP_KEY}` = '{key}'", max_results=1
    )
    return str(found[0].info.run_id) if found else None


def _is_stopped(run: Run, lock: Path) -> bool:
    """Returns whether no process is working on an unfinished run any more."""
    if PRUNED in run.data.tags:
        return False  # given up, not interrupted
    if run.info.status in ("FAILED", "KILLED"):
        return True
    host, theirs = owner_of(run.data.tags)
    assert theirs
    # The lock is held by this process, so the other one has ended.
    if theirs == lock.absolute():
        return True
    if host == socket.gethostname():
        return not theirs.exists() or is_free(theirs)
    log.warning(
        "run %s of the same job may still be running on %s; training it here too",
        run.info.run_id,
        host,
    )
    return False
