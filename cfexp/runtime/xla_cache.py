"""The on-disk cache of XLA programs, reused by runs of the same model and shapes."""

import hashlib
import os
import platform
import re
from pathlib import Path

from cfexp.runtime import tuning
from cfexp.runtime.cache import cache_dir
from cfexp.runtime.provenance import TENSORFLOWS, installed

VARIABLE = "TF_XLA_FLAGS"
FLAG = "--tf_xla_persistent_cache_directory"
MAX_PROGRAMS = 200  # about one megabyte each


def keep_programs() -> None:
    """Makes XLA cache its programs; call it before TensorFlow is imported.

    Each version of TensorFlow, processor and ``XLA_FLAGS`` has its own folder. A
    directory set by the user in ``TF_XLA_FLAGS`` takes precedence.
    """
    flags = os.environ.get(VARIABLE, "")
    if FLAG in flags:
        return
    folder = _own_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        programs = sorted(folder.iterdir(), key=lambda p: p.stat().st_mtime)
        for old in programs[:-MAX_PROGRAMS]:
            old.unlink(missing_ok=True)
    except OSError:
        return  # the cache is not writable: programs are compiled in every run
    os.environ[VARIABLE] = f"{flags} {FLAG}={folder}".strip()


def forget_programs() -> None:
    """Deletes the cached programs, for example when one cannot be read."""
    (folder,) = re.findall(rf"{FLAG}=(\S+)", os.environ[VARIABLE])
    for program in Path(folder).glob("xla_compile_cache*"):
        program.unlink(missing_ok=True)


def _own_folder() -> Path:
    processor = platform.machine() + platform.processor()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text().splitlines()
        processor += next((x for x in lines if x.startswith(("flags", "Features"))), "")
    made_for = processor + os.environ.get(tuning.XLA_FLAGS, "")
    digest = hashlib.sha256(made_for.encode()).hexdigest()[:8]
    names = (f"{name}-{v}" for name in TENSORFLOWS if (v := installed(name)))
    # Such as ``2.21.0`` or ``cpu-2.21.0``.
    build = next(names, "unknown").removeprefix("tensorflow-")
    return cache_dir() / f"xla-{build}-{digest}"
