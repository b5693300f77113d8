"""Imports TensorFlow without the notes that its libraries write to stderr."""

import os
import sys
import tempfile


def import_tensorflow() -> None:
    """Imports TensorFlow; shows what its libraries said only where that fails.

    Its C++ libraries say a dozen lines about CPUs and missing GPUs before any of their
    log levels takes effect, so they have to be kept from the file descriptor.
    """
    if "tensorflow" in sys.modules:
        return
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
