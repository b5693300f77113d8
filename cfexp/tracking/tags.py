"""Every tag that cfexp sets on an MLflow run."""

import socket
from pathlib import Path

# What a run is: train, evaluate, sweep or cv.
KIND = "cfexp.kind"
MODEL, DATASET, SPLIT = "cfexp.model", "cfexp.dataset", "cfexp.split"
DATA_SHA256, SPLIT_SHA256 = "cfexp.data_sha256", "cfexp.split_sha256"
WEIGHTS_SHA256 = "cfexp.weights_sha256"
# The run's folder, and what the user set on the command line, as JSON.
FOLDER, OVERRIDES = "cfexp.folder", "cfexp.overrides"
# The runs that an ensemble stacks; the trained model that a fine-tuning started from.
MEMBERS, SOURCE = "cfexp.members", "cfexp.source"
REPRODUCES, REPRODUCED = "cfexp.reproduces", "cfexp.reproduced"
# Why a run failed.
ERROR = "cfexp.error"
# Of a parent run: its key, and its best job.
SWEEP_KEY, BEST_OVERRIDES = "cfexp.sweep_key", "cfexp.best_overrides"
# Marks runs of another parent, or of none, that a sweep makes use of.
INCLUDES = "cfexp.includes."
# Which job a run is, and who does it.
JOB_KEY, HOST, LOCK = "cfexp.job_key", "cfexp.host", "cfexp.lock"
# MLflow's own.
PARENT, COMMIT = "mlflow.parentRunId", "mlflow.source.git.commit"
DIRTY = "git.dirty"


def owner_tags(key: str, lock: Path) -> dict[str, str]:
    """Returns the tags of the run of a job, done while `lock` is held."""
    return {JOB_KEY: key, HOST: socket.gethostname(), LOCK: str(lock.absolute())}
