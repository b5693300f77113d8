"""TensorFlow itself: whether it can be imported and compiles, and its GPUs."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from cfexp.checkup.finding import Finding, note, wrong
from cfexp.errors import first_line
from cfexp.runtime import tensorflow

DRIVER = Path("/proc/driver/nvidia/version")
CUDA = "pip install 'tensorflow[and-cuda]', of the same version"


def devices() -> Iterator[Finding]:
    """Imports TensorFlow, compiles a small program, and looks for GPUs."""
    try:
        found = tensorflow.probed()
    except Exception as error:  # a library that is missing, a wrong CPU, and so on
        said = f"cannot be used: {first_line(error)[:300]}"
        yield wrong("compiling", said, "pip install --force-reinstall tensorflow")
        return
    yield Finding("compiling", f"{found.version} compiles with XLA on {found.device}")
    if found.gpus:
        yield Finding("GPU", ", ".join(found.gpus))
    elif DRIVER.exists() or shutil.which("nvidia-smi"):
        built = "cannot load the CUDA libraries" if found.cuda else "is built without"
        yield note("GPU", f"there is one, but TensorFlow {built} CUDA", CUDA)
    else:
        yield Finding("GPU", "none: models train on the CPU")
