"""Finds out quickly, without MLflow, that a tracking URI cannot be used."""

import os
import urllib.error
import urllib.request
from pathlib import Path

from cfexp.errors import TrackingError, first_line

SQLITE_HEADER = b"SQLite format 3\x00"


def check_reachable(uri: str) -> None:
    """Checks that a server answers, or that a SQLite file can be written.

    Raises:
        TrackingError: It does not, or cannot.
    """
    problem = None
    if uri.startswith("sqlite:///"):
        problem = _sqlite_problem(Path(uri.removeprefix("sqlite:///")))
    elif uri.startswith(("http://", "https://")):
        problem = _server_problem(uri)
    if problem:
        raise TrackingError(
            f"cannot use tracking.uri={uri}: {problem}. Correct tracking.uri, or set"
            " tracking=none."
        )


def _sqlite_problem(path: Path) -> str | None:
    folder = path.absolute().parent
    if not folder.is_dir():
        return f"the folder {folder} does not exist"
    if not path.exists():
        return None if os.access(folder, os.W_OK) else f"{folder} cannot be written"
    try:
        with path.open("r+b") as file:
            header = file.read(len(SQLITE_HEADER))
    except OSError as error:
        return f"{path} cannot be opened: {error.strerror}"
    if header not in (b"", SQLITE_HEADER):
        return f"{path} is not a SQLite file"
    return None


def _server_problem(uri: str) -> str | None:
    try:
        with urllib.request.urlopen(f"{uri.rstrip('/')}/health", timeout=10):
            return None
    except urllib.error.HTTPError:
        return None  # a server that wants a login, say: MLflow will tell
    except (OSError, ValueError) as error:
        return f"no server answers: {first_line(error)}"
