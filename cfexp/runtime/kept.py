"""Folders of the cache, with checksums: a damaged one is detected and made again."""

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

log = logging.getLogger(__name__)

SUMS = "checksums.json"
# Version of the cached files' format; a new number invalidates all of them.
FORMAT = 4


def intact(folder: Path) -> bool:
    """Returns whether a folder's files still match their checksums.

    Counts as use, see `keep_newest`.
    """
    try:
        os.utime(folder)
        sums = json.loads((folder / SUMS).read_text())
        return sums == _sums(folder)
    except (OSError, ValueError):
        return False


def keep(folder: Path, make: Callable[[Path], None]) -> None:
    """Creates a folder of the cache, unless another process has done so meanwhile.

    Args:
        folder: The folder; replaced if damaged.
        make: Fills an empty folder, which then gets checksums and its final name.

    Raises:
        OSError: The cache cannot be written.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _locked(folder.with_name(f"{folder.name}.lock")):
        if intact(folder):
            return
        if folder.exists():
            log.warning("%s is damaged: making it again", folder)
            shutil.rmtree(folder)
        partial = folder.with_name(f"{folder.name}.tmp")
        # Left by a process that died: a living one would hold the lock.
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        try:
            make(partial)
            (partial / SUMS).write_text(json.dumps(_sums(partial)))
            partial.rename(folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def keep_newest(cache: Path, pattern: str, n: int) -> None:
    """Removes all but the `n` folders used last of those that match a pattern."""
    found = [path for path in cache.glob(pattern) if (path / SUMS).exists()]
    for old in sorted(found, key=lambda path: path.stat().st_mtime)[:-n]:
        shutil.rmtree(old, ignore_errors=True)


def _sums(folder: Path) -> dict[str, str]:
    """Returns each file's checksum; takes about 0.7 s per gigabyte."""
    found = {}
    for path in sorted(folder.iterdir()):
        if path.name != SUMS:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, _sha1)
            found[path.name] = digest.hexdigest()
    return found


def _sha1() -> "hashlib._Hash":
    # The fastest hash: it guards against accidents, not against attacks.
    return hashlib.sha1(usedforsecurity=False)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Holds a lock while the block runs; released if the process dies."""
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        log.info("waiting for another process that writes to the cache: %s", path)
        lock.acquire()
    try:
        yield
    finally:
        path.unlink(missing_ok=True)  # waiting processes notice that it is gone
        lock.release()
