"""Every tag that cfexp sets on an MLflow run, once."""

import socket
from pathlib import Path

# Tags that tell others which job a run is, and who does it.
JOB_KEY, HOST, LOCK = "cfexp.job_key", "cfexp.host", "cfexp.lock"


def owner_tags(key: str, lock: Path) -> dict[str, str]:
    """Returns the tags of the run of a job, done while `lock` is held."""
    return {JOB_KEY: key, HOST: socket.gethostname(), LOCK: str(lock.absolute())}
