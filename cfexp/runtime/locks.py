"""Locks that processes hold while they work: on a job, and on a run's folder."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from cfexp.errors import ConfigError

log = logging.getLogger(__name__)

# In a run's folder, held as long as the run's process writes to it or logs it.
RUN_LOCK = "run.lock"


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
