"""The door to TensorFlow: its program cache, and a quiet import."""

import gc
import logging
import os
import re
import sys
import tempfile
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from cfexp.runtime import process, tuning
from cfexp.runtime.deferred import deferred

# They import scikit-learn and matplotlib, a third of the time of `import tensorflow`; a
# process of cfexp's own imports them when they are first used.
NOT_NEEDED = (
    "keras.src.visualization",
    "keras.visualization",
    "keras.wrappers",
    "keras._tf_keras.keras.visualization",
    "keras._tf_keras.keras.wrappers",
)
OUR_FUNCTION = re.compile(
    r"calls to <(function|bound method) (forward_of|_traced|Program|Distributed)"
)


def start(*, programs: bool = True, spare: int = 0) -> None:
    """Imports TensorFlow; shows the output of its libraries only if that fails.

    Its C++ libraries print a dozen lines about CPUs and missing GPUs before their log
    levels take effect, so stderr's file descriptor is redirected.

    Args:
        programs: Cache compiled programs on disk; a served model needs none.
        spare: Processors that TensorFlow leaves to other threads, in a process of
            cfexp's own.
    """
    logging.getLogger("tensorflow").addFilter(_is_relevant)
    tuning.set_xla_flags()  # which XLA reads when it first compiles
    if "tensorflow" in sys.modules:
        return
    _prepare(programs, spare)
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as output:
        os.dup2(output.fileno(), 2)
        try:
            with _without_what_is_not_needed():
                import tensorflow as tf

            tf.config.list_physical_devices()
            if process.is_own():
                gc.freeze()  # modules stay; the collector need not look at them
        except ImportError:
            os.dup2(stderr, 2)
            output.seek(0)
            sys.stderr.write(output.read().decode(errors="replace"))
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)


def _prepare(programs: bool, spare: int) -> None:
    """Sets the environment variables that TensorFlow reads when it is imported."""
    if programs:
        from cfexp.runtime.xla_cache import keep_programs  # not for ``--help``

        keep_programs()
    if spare and process.is_own():
        tuning.spare(spare)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def _without_what_is_not_needed() -> AbstractContextManager[None]:
    return deferred(NOT_NEEDED) if process.is_own() else nullcontext()


def _is_relevant(record: logging.LogRecord) -> bool:
    """Returns whether a log record is no retracing warning about cfexp's functions.

    Each model in a process traces its own function, which TensorFlow takes for
    retracing.
    """
    text = record.getMessage()
    return not ("tf.function retracing" in text and OUR_FUNCTION.search(text))


@dataclass(frozen=True)
class Probed:
    """What TensorFlow can do on this machine.

    Attributes:
        version: Its version.
        device: What it compiles programs for: ``CPU`` or ``GPU``.
        gpus: Names of the GPUs.
        cuda: Whether it is built for NVIDIA GPUs.
    """

    version: str
    device: str
    gpus: tuple[str, ...]
    cuda: bool


def probed() -> Probed:
    """Imports TensorFlow, compiles and runs a small program, and looks for GPUs.

    Raises:
        Exception: TensorFlow cannot be imported, or the program fails.
    """
    start()
    import tensorflow as tf

    doubled = tf.function(lambda x: x + x, jit_compile=True)
    found = doubled(tf.constant([1.0, 2.0]))
    if found.numpy().tolist() != [2.0, 4.0]:
        raise ArithmeticError(f"a compiled sum is wrong: {found.numpy().tolist()}")
    gpus = tf.config.list_physical_devices("GPU")
    names = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
    return Probed(
        tf.__version__,
        "GPU" if gpus else "CPU",
        tuple(str(one.get("device_name", "GPU")) for one in names),
        bool(tf.sysconfig.get_build_info().get("is_cuda_build")),
    )
