"""Locks between processes: on a job, and on a run's folder."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from cfexp.errors import ConfigError

log = logging.getLogger(__name__)

# In a run's folder, held while a process writes to the folder or logs it.
RUN_LOCK = "run.lock"
TRIES = 20


@contextmanager
def held(path: Path, *, wait: bool) -> Iterator[bool]:
    """Holds a lock while the block runs; released if the process dies.

    Args:
        path: The lock file.
        wait: Wait while another process holds it.

    Yields:
        Whether this process holds it; always True with `wait`.
    """
    made = not path.parent.exists()
    # Another thread than this one may release it.
    lock = FileLock(path, thread_local=False)
    try:
        _acquire(lock, path.parent, timeout=0)
    except Timeout:
        if not wait:
            yield False
            return
        log.info("waiting for another process that runs the same job: %s", path)
        _acquire(lock, path.parent, timeout=-1)
    try:
        yield True
    finally:
        path.unlink(missing_ok=True)  # waiting processes notice that it is gone
        lock.release()
        if made:
            with suppress(OSError):  # not empty
                path.parent.rmdir()


def _acquire(lock: FileLock, folder: Path, *, timeout: float) -> None:
    """Acquires a lock in a folder, which another job may remove at any moment."""
    for tries_left in reversed(range(TRIES)):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=timeout)
            return
        except (FileExistsError, FileNotFoundError):
            if not tries_left or folder.is_file():
                raise


@contextmanager
def claimed(path: Path, *, wait: bool) -> Iterator[tuple[Path, bool]]:
    """Holds a job's lock while the block runs, or else a lock of this process's own.

    Args:
        path: The job's lock file.
        wait: Wait while another process runs the same job.

    Yields:
        The lock file held, which shows other processes that this one is alive; and
        whether it is the job's lock, so that this process owns the job's checkpoint.
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
        ConfigError: Another process is writing to it.
    """
    with held(folder / RUN_LOCK, wait=False) as mine:
        if not mine:
            raise ConfigError(
                f"another run is writing to {folder} now. Choose another folder with"
                " hydra.run.dir=, or wait until it has ended"
            )
        yield


def is_free(path: Path) -> bool:
    """Returns whether no process holds the lock file, see `held`."""
    with held(path, wait=False) as free:
        return free
