"""The door to TensorFlow: its program cache, and a quiet import."""

import logging
import os
import re
import sys
import tempfile

from cfexp.runtime.xla_cache import keep_programs

OUR_FUNCTION = re.compile(r"calls to <function (KerasScorer|Program|Distributed)")


def start(*, programs: bool = True) -> None:
    """Imports TensorFlow; shows what its libraries said only where that fails.

    Its C++ libraries say a dozen lines about CPUs and missing GPUs before any of their
    log levels takes effect, so they have to be kept from the file descriptor.

    Args:
        programs: Keep compiled programs on disk; a model that is served has none.
    """
    logging.getLogger("tensorflow").addFilter(_is_of_use)
    if "tensorflow" in sys.modules:
        return
    if programs:
        keep_programs()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 2)
        try:
            import tensorflow as tf

            tf.config.list_physical_devices()
        except ImportError:
            os.dup2(kept, 2)
            said.seek(0)
            sys.stderr.write(said.read().decode(errors="replace"))
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def _is_of_use(record: logging.LogRecord) -> bool:
    """Returns whether a warning of TensorFlow's is not about our own functions.

    Each of several models in a process has its own, so that it counts their tracings.
    """
    text = record.getMessage()
    return not ("tf.function retracing" in text and OUR_FUNCTION.search(text))
