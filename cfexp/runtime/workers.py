"""Which of several workers this process is, as `tf.distribute` is told."""

import json
import os

from cfexp.errors import ConfigError

VARIABLE = "TF_CONFIG"


def worker_index() -> int:
    """Returns this worker's number; 0 for the one that keeps and logs the results.

    Raises:
        ConfigError: ``TF_CONFIG`` is not what TensorFlow wants.
    """
    text = os.environ.get(VARIABLE)
    if not text:
        return 0
    try:
        return int(json.loads(text)["task"]["index"])
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"{VARIABLE} cannot be read: {error!r}. Write it as"
            ' {"cluster": {"worker": ["host:port", "host:port"]}, "task": {"type":'
            ' "worker", "index": 0}}.'
        ) from error
