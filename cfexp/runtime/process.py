"""Whether this process is cfexp's own, rather than a program that uses cfexp."""

import gc

_is_own = False


def make_own() -> None:
    """Says that this process runs cfexp's command line, and nobody else's program.

    Python then looks for garbage less often: imports and traces make many objects and
    leave little, so that looking takes a tenth of their time.
    """
    global _is_own
    _is_own = True
    gc.set_threshold(50_000, 20, 20)


def is_own() -> bool:
    """Returns whether this process runs cfexp's command line."""
    return _is_own
