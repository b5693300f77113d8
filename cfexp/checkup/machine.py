"""The machine: processors, memory, disks and git."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from cfexp.checkup.finding import Finding, note, wrong
from cfexp.runtime.cache import cache_dir

GB = 1e9
# Of free disk space, and of memory.
LITTLE, SMALL = 1 * GB, 5 * GB
MEMORY = 2 * GB


def machine() -> Iterator[Finding]:
    """Looks at processors, memory, git, and where files are written."""
    yield _processors()
    yield _memory()
    if shutil.which("git"):
        yield Finding("git", "runs record the commit of the folder that they start in")
    else:
        yield note("git", "not installed: runs record no commit", "install git")
    yield _folder("folder", Path.cwd(), "start cfexp in another folder")
    yield _folder("cache", cache_dir(), "set CFEXP_CACHE_DIR to another folder")


def _processors() -> Finding:
    allowed = getattr(os, "sched_getaffinity", lambda _: range(os.cpu_count() or 1))(0)
    limits = [f"{n}={v}" for n in ("OMP_NUM_THREADS",) if (v := os.environ.get(n))]
    return Finding("processors", ", ".join([str(len(allowed)), *limits]))


def _memory() -> Finding:
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return note("memory", "unknown")
    said = f"{total / GB:.1f} GB"
    if total < MEMORY:
        return note("memory", said, "TensorFlow and ml-1m take about 2 GB")
    return Finding("memory", said)


def _folder(name: str, folder: Path, fix: str) -> Finding:
    """Looks at a folder that files are written to; it may not exist yet."""
    there = folder.absolute()
    while not there.exists() and there != there.parent:
        there = there.parent
    try:
        with tempfile.TemporaryFile(dir=there):
            free = shutil.disk_usage(there).free
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        return wrong(name, f"{folder} cannot be written: {reason}", fix)
    said = f"{folder}, {free / GB:.0f} GB free"
    if free < LITTLE:
        return wrong(name, f"{folder}, {free / GB:.2f} GB free", f"free some, or {fix}")
    if free < SMALL:
        return note(name, said, "ml-25m's cache takes 1 GB, and so do its runs")
    return Finding(name, said)
