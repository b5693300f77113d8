"""Every tag that cfexp sets on an MLflow run."""

import json
import socket
from collections.abc import Mapping
from pathlib import Path

# The kind of a run: train, evaluate, sweep or cv.
KIND = "cfexp.kind"
MODEL, DATASET, SPLIT = "cfexp.model", "cfexp.dataset", "cfexp.split"
DATA_SHA256, SPLIT_SHA256 = "cfexp.data_sha256", "cfexp.split_sha256"
WEIGHTS_SHA256 = "cfexp.weights_sha256"
# The run's folder, and the overrides of the command line, as JSON.
FOLDER, OVERRIDES = "cfexp.folder", "cfexp.overrides"
# The runs that an ensemble stacks; the trained model that a run was fine-tuned from.
MEMBERS, SOURCE = "cfexp.members", "cfexp.source"
REPRODUCES, REPRODUCED = "cfexp.reproduces", "cfexp.reproduced"
# Why a run failed; the epoch after which a search gave it up.
ERROR, PRUNED = "cfexp.error", "cfexp.pruned"
# A parent run's key, and the overrides of its best job.
SWEEP_KEY, BEST_OVERRIDES = "cfexp.sweep_key", "cfexp.best_overrides"
# Prefix of a sweep's tags for jobs that it skipped: finished runs of other parents.
INCLUDES = "cfexp.includes."
# The job's key, and the machine and lock file of the process that runs it, as JSON.
JOB_KEY, OWNER = "cfexp.job_key", "cfexp.owner"
# The versions of Python and of packages, as JSON.
VERSIONS = "cfexp.versions"
# MLflow's own.
PARENT, COMMIT = "mlflow.parentRunId", "mlflow.source.git.commit"
DIRTY = "git.dirty"
# The description of a run, in Markdown.
NOTE = "mlflow.note.content"


def owner_tags(key: str, lock: Path) -> dict[str, str]:
    """Returns the tags that identify a job, and the process that holds its lock."""
    owner = {"host": socket.gethostname(), "lock": str(lock.absolute())}
    return {JOB_KEY: key, OWNER: json.dumps(owner)}


def owner_of(tags: Mapping[str, str]) -> tuple[str, Path | None]:
    """Returns the machine and lock file of the process that ran a job.

    Args:
        tags: The run's tags; without an owner, the machine is empty.
    """
    owner = json.loads(tags.get(OWNER, "{}"))
    return owner.get("host", ""), Path(owner["lock"]) if "lock" in owner else None
