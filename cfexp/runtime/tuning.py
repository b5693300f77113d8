"""Environment variables that make TensorFlow faster, set before it is used."""

import os

XLA_FLAGS = "XLA_FLAGS"
THREADS = "TF_NUM_INTRAOP_THREADS"
BACKEND = "--xla_backend_extra_options"
# LLVM turns a loop over the numbers of an embedding into vector instructions only if it
# is not unrolled first.
OPTIONS = "xla_cpu_disable_loop_unrolling"


def set_xla_flags() -> None:
    """Sets how XLA compiles for the CPU, unless the user has."""
    flags = os.environ.get(XLA_FLAGS, "")
    if BACKEND not in flags:
        os.environ[XLA_FLAGS] = f"{flags} {BACKEND}={OPTIONS}".strip()


def spare(processors: int) -> None:
    """Leaves processors to other threads, unless the user has set how many to use.

    Operations are split into parts, and a part that waits for a busy processor takes
    longer than the whole.

    Args:
        processors: How many, if there are more.
    """
    own = max(1, (os.cpu_count() or 1) - processors)
    os.environ.setdefault(THREADS, str(own))
