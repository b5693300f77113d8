"""The result of a command, for ``-q`` and ``--json``."""

import json
import math
import sys
from collections.abc import Mapping
from pathlib import Path

from cfexp.runtime.output import Verbosity, output


def conclude(line: str, found: Mapping[str, object]) -> None:
    """Prints the result of a command where ``-q`` or ``--json`` ask for no more.

    Jobs of a sweep print none; the sweep does.

    Args:
        line: The result in one line.
        found: The result as one JSON object; a number that is not finite becomes null.
    """
    if output.job or output.is_worker:
        return
    if output.as_json:
        sys.stdout.write(f"{json.dumps(jsonable(found))}\n")
    elif output.verbosity is Verbosity.QUIET:
        sys.stdout.write(f"{line}\n")


def jsonable(value: object) -> object:
    """Returns a value as JSON can hold it; a number that is not finite as null."""
    if isinstance(value, Mapping):
        return {str(key): jsonable(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(one) for one in value]
    if isinstance(value, Path):
        return str(value.absolute())
    if hasattr(value, "item"):  # a NumPy scalar
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
