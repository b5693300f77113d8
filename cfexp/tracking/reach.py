"""Finds out quickly, without MLflow, that a tracking URI cannot be used."""

import os
import urllib.error
import urllib.request
from pathlib import Path

from cfexp.errors import TrackingError, first_line
from cfexp.masking import basic_auth, split_login

HTTP = ("http://", "https://")
SQLITE_HEADER = b"SQLite format 3\x00"


def check_reachable(uri: str) -> None:
    """Checks that a server answers, or that a SQLite file can be written.

    Raises:
        TrackingError: It does not, or cannot.
    """
    problem = None
    if uri.startswith("sqlite:///") and "?" not in uri:
        problem = _sqlite_problem(Path(uri.removeprefix("sqlite:///")))
    elif uri.startswith(HTTP):
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
        # urllib would take a login for a part of the host's name.
        bare, user, password = split_login(uri)
        request = urllib.request.Request(f"{bare.rstrip('/')}/health")
        if user:
            request.add_header("Authorization", basic_auth(user, password))
        with urllib.request.urlopen(request, timeout=10):
            return None
    except urllib.error.HTTPError:
        return None  # a server that wants a login, say: MLflow will tell
    except (OSError, ValueError) as error:
        return f"no server answers: {first_line(error)}"
