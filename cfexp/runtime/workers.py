"""This process's number among the workers of distributed training."""

import json
import os

from cfexp.errors import ConfigError

VARIABLE = "TF_CONFIG"


def worker_index() -> int:
    """Returns this worker's number; worker 0 saves and logs the results.

    Raises:
        ConfigError: ``TF_CONFIG`` is not in TensorFlow's form.
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
