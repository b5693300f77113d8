"""Whether this process is cfexp's own, rather than a program that uses cfexp."""

import gc
import sys

# A training leaves about 5 MB, and looking for it takes 0.05 s.
EVERY = 5
# Seconds after which a thread gives Python to another that waits for it. A training is
# many short calls of TensorFlow, each of which waits that long for the paperwork.
SWITCH = 0.0005

_is_own = False
_trainings = 0


def make_own() -> None:
    """Says that this process runs cfexp's command line, and nobody else's program.

    Python then looks for garbage less often: imports and traces make many objects and
    leave little, so that looking takes a tenth of their time; see `collect_garbage`.
    Its threads take turns more often, so that a training waits less for the others.
    """
    global _is_own
    _is_own = True
    gc.set_threshold(50_000, 20, 20)
    sys.setswitchinterval(SWITCH)


def is_own() -> bool:
    """Returns whether this process runs cfexp's command line."""
    return _is_own


def collect_garbage(*, large: bool = False) -> None:
    """Frees what earlier trainings left, every `EVERY` of them.

    Graphs refer to themselves, so that nothing else frees them. What is there at the
    second training, such as all modules, is not looked at again. In a program of the
    user's it does nothing.

    Args:
        large: Free it after this training, which leaves much.
    """
    global _trainings
    if not _is_own:
        return
    _trainings += 1
    if large or _trainings == 2 or _trainings % EVERY == 0:
        gc.collect()
    if _trainings == 2:
        gc.freeze()
