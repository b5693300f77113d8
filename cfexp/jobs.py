"""Jobs: what a run is asked to do, what makes two of them the same, and who does it."""

import hashlib
import inspect
import logging
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from cfexp.errors import ConfigError

if TYPE_CHECKING:
    from cfexp.data.ratings import Ratings
    from cfexp.split import Split

log = logging.getLogger(__name__)

# Tags that tell others which job a run is, and who does it.
JOB_KEY, HOST, LOCK = "cfexp.job_key", "cfexp.host", "cfexp.lock"

# In a run's folder, held as long as the run's process writes to it or logs it.
RUN_LOCK = "run.lock"


@dataclass(frozen=True, kw_only=True)
class Job:
    """One training that was asked for.

    Attributes:
        specs: The spec of each group of the configuration, by group.
        config: The resolved configuration, as YAML.
        config_key: What equal configurations share, wherever their files are.
        seed: Seed of the split, weights, dropout and the order of rows.
        deterministic: Use only ops that give the same bits each time.
        objective: The metric that is to be low.
        folder: Where the run's files go.
        name: Name of the run.
        overrides: What the user set on the command line.
        parent_id: The MLflow run that this one belongs to.
        once: Use what is finished or begun already, rather than train again.
        tags: Tags of the MLflow run besides cfexp's own.
    """

    specs: Mapping[str, Any]
    config: str
    config_key: str
    seed: int
    deterministic: bool
    objective: str
    folder: Path
    name: str
    overrides: tuple[str, ...] = ()
    parent_id: str | None = None
    once: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)


def job_key(job: Job, ratings: "Ratings", split: "Split") -> str:
    """Returns 16 hex digits that jobs with the same result share.

    They depend on the configuration without paths, the rows and their split, the
    code, and the trained model that is gone on from.
    """
    parts = [
        job.config_key,
        ratings.fingerprint,
        split.fingerprint,
        code_version(tuple(type(spec) for spec in job.specs.values())),
        str(sorted(job.tags.items())),
    ]
    return digest(*parts)


def owner_tags(key: str, lock: Path) -> dict[str, str]:
    """Returns the tags of the run of a job, done while `lock` is held."""
    return {JOB_KEY: key, HOST: socket.gethostname(), LOCK: str(lock.absolute())}


def digest(*parts: str) -> str:
    """Returns 16 hex digits of texts."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


@cache
def code_version(classes: tuple[type, ...] = ()) -> str:
    """Returns 16 hex digits of cfexp's source, and of modules with a user's classes."""
    package = Path(__file__).parent
    files = set(package.rglob("*.py"))
    files |= {Path(inspect.getfile(c)) for c in classes}
    return digest(*(f"{f.name} {f.read_text()}" for f in sorted(files)))


@contextmanager
def held(path: Path, *, wait: bool) -> Iterator[bool]:
    """Holds a lock while the block runs; a process that dies lets go of it.

    Args:
        path: The lock file.
        wait: Wait until no other process holds it.

    Yields:
        Whether it is held.
    """
    made = not path.parent.exists()
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)  # which makes the folder again, where another removed it
    try:
        lock.acquire(timeout=0)
    except Timeout:
        if not wait:
            yield False
            return
        log.info("waiting for another process that does the same: %s", path)
        lock.acquire()
    try:
        yield True
    finally:
        path.unlink(missing_ok=True)  # others that wait for it see that it is gone
        lock.release()
        if made:
            with suppress(OSError):  # it is not empty
                path.parent.rmdir()


@contextmanager
def claimed(path: Path, *, wait: bool) -> Iterator[tuple[Path, bool]]:
    """Holds the lock of a job while the block runs, or one beside it.

    Args:
        path: The job's lock file.
        wait: Wait until no other process does the same job.

    Yields:
        The lock file that is held, by which others see that this process lives; and
        whether it is the job's, so that the job's checkpoint belongs to this process.
    """
    with held(path, wait=wait) as first:
        if first:
            yield path, True
            return
        own = path.with_name(f"{path.stem}.{os.getpid()}.lock")
        with held(own, wait=True):
            yield own, False


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Keeps other processes from writing to a run's folder while the block runs.

    Raises:
        ConfigError: One does.
    """
    with held(folder / RUN_LOCK, wait=False) as mine:
        if not mine:
            raise ConfigError(
                f"another run is writing to {folder} now. Choose another folder with"
                " hydra.run.dir=, or wait until it has ended"
            )
        yield


def is_free(path: Path) -> bool:
    """Returns whether no process holds the lock file, as `held` does."""
    with held(path, wait=False) as free:
        return free
