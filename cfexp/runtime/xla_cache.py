"""Compiled programs, kept on disk between runs of the same model and shapes."""

import hashlib
import os
import platform
import re
from importlib.metadata import version
from pathlib import Path

from cfexp.runtime.cache import cache_dir

VARIABLE = "TF_XLA_FLAGS"
FLAG = "--tf_xla_persistent_cache_directory"
# About one megabyte each.
MOST_PROGRAMS = 200


def keep_programs() -> None:
    """Makes XLA keep its programs; to be called before TensorFlow is imported.

    They are kept apart by TensorFlow's version and by processor. A directory that the
    user chose in ``TF_XLA_FLAGS`` is used instead.
    """
    flags = os.environ.get(VARIABLE, "")
    if FLAG in flags:
        return
    folder = _own_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        programs = sorted(folder.iterdir(), key=lambda p: p.stat().st_mtime)
        for old in programs[:-MOST_PROGRAMS]:
            old.unlink(missing_ok=True)
    except OSError:
        return  # a home that cannot be written: programs are compiled each time
    os.environ[VARIABLE] = f"{flags} {FLAG}={folder}".strip()


def forget_programs() -> None:
    """Deletes the programs that are kept, as when one of them cannot be read."""
    (folder,) = re.findall(rf"{FLAG}=(\S+)", os.environ[VARIABLE])
    for program in Path(folder).glob("xla_compile_cache*"):
        program.unlink(missing_ok=True)


def _own_folder() -> Path:
    processor = platform.machine() + platform.processor()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text().splitlines()
        processor += next((x for x in lines if x.startswith(("flags", "Features"))), "")
    digest = hashlib.sha256(processor.encode()).hexdigest()[:8]
    return cache_dir() / f"xla-{version('tensorflow')}-{digest}"
