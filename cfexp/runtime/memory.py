"""The memory of this process."""

import resource
import sys


def peak_memory_mb() -> float:
    """Returns the most memory that this process has held, in megabytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 if sys.platform == "darwin" else 1 / 1024) / 1e6
