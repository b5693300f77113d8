"""Folders of the cache that are whole, or made anew: never half, never altered."""

import hashlib
import json
import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

log = logging.getLogger(__name__)

SUMS = "checksums.json"
# Of what is kept; a new number makes all of it anew.
FORMAT = 2


def intact(folder: Path) -> bool:
    """Returns whether a folder has the files, byte by byte, that were kept in it."""
    try:
        sums = json.loads((folder / SUMS).read_text())
        return sums == _sums(folder)
    except (OSError, ValueError):
        return False


def keep(folder: Path, make: Callable[[Path], None]) -> None:
    """Makes a folder of the cache, if no other process has done so meanwhile.

    Args:
        folder: The folder, which is replaced if it is damaged.
        make: Fills an empty folder, which then gets checksums and its name.

    Raises:
        OSError: The cache cannot be written.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _locked(folder.with_name(f"{folder.name}.lock")):
        if intact(folder):
            return
        if folder.exists():
            log.warning("%s is damaged: making it anew", folder)
            shutil.rmtree(folder)
        partial = folder.with_name(f"{folder.name}.tmp")
        # Of a process that died: none that lives is here, or it would hold the lock.
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        try:
            make(partial)
            (partial / SUMS).write_text(json.dumps(_sums(partial)))
            partial.rename(folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def _sums(folder: Path) -> dict[str, str]:
    """Returns the checksum of each file; about 0.7 s a gigabyte."""
    found = {}
    for path in sorted(folder.iterdir()):
        if path.name != SUMS:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, _sha1)
            found[path.name] = digest.hexdigest()
    return found


def _sha1() -> "hashlib._Hash":
    # Against accidents, so that the fastest one will do.
    return hashlib.sha1(usedforsecurity=False)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Holds a lock while the block runs; a process that dies lets go of it."""
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        log.info("waiting for another process that fills the cache: %s", path)
        lock.acquire()
    try:
        yield
    finally:
        path.unlink(missing_ok=True)  # others that wait for it see that it is gone
        lock.release()
