"""Finds out quickly, without MLflow, that a tracking URI cannot be used.

A place that hangs, such as a server that accepts and never answers or a network disk
that is gone, is given up: MLflow itself would wait for minutes.
"""

import os
import sqlite3
import tempfile
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import closing
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from cfexp.errors import NoRunsError, TrackingError, first_line, root_of
from cfexp.tracking.login import basic_auth, split_login
from cfexp.tracking.settings import SQLITE

HTTP = ("http://", "https://")
DATABASES = ("postgresql", "mysql", "mssql")
NOTHING = "there is no"
SQLITE_HEADER = b"SQLite format 3\x00"
LIMIT = 12.0  # seconds that a place may take to answer: 15 with the start of cfexp
T = TypeVar("T")


def check_reachable(uri: str, *, existing: bool = False) -> None:
    """Checks that a server answers, or that a SQLite file can be used.

    Args:
        uri: The tracking URI.
        existing: There must be runs already: a file is not to be made.

    Raises:
        NoRunsError: There is no such file where there must be runs.
        TrackingError: It does not, or cannot.
    """
    try:
        problem = in_time(lambda: _problem(uri, existing))
    except TimeoutError:
        problem = f"it does not answer within {LIMIT:g} seconds"
    if problem and existing and problem.startswith(NOTHING):
        raise NoRunsError(
            f"{problem}. Train a model first, start cfexp in the folder that one was"
            " trained in, or set tracking.uri"
        )
    if problem:
        raise TrackingError(
            f"cannot use tracking.uri={uri}: {problem}. Correct tracking.uri, or set"
            " tracking=none."
        )


def in_time(job: Callable[[], T]) -> T:
    """Does a job that may hang, in a thread that is left behind after `LIMIT`.

    Raises:
        TimeoutError: It took longer.
    """
    done: Future[T] = Future()

    def work() -> None:
        try:
            done.set_result(job())
        except BaseException as error:
            done.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    return done.result(LIMIT)


def _problem(uri: str, existing: bool) -> str | None:
    if uri.startswith(SQLITE) and "?" not in uri:
        return _sqlite_problem(Path(uri.removeprefix(SQLITE)).absolute(), existing)
    if uri.startswith(HTTP):
        return _server_problem(uri)
    if uri.startswith(DATABASES):
        return _database_problem(uri)
    return None


def _sqlite_problem(path: Path, existing: bool) -> str | None:
    if not path.parent.is_dir():
        return f"the folder {path.parent} does not exist"
    if existing and not (path.exists() and path.stat().st_size):
        return f"{NOTHING} {path.name} in {path.parent} with tracked runs"
    if not path.exists():
        return _cannot_make_in(path.parent)
    if not path.is_file():
        return f"{path} is no file"
    try:
        with path.open("rb" if existing else "r+b") as file:
            header = file.read(len(SQLITE_HEADER))
    except OSError as error:
        return f"{path} cannot be opened: {error.strerror}"
    if header not in (b"", SQLITE_HEADER):
        return f"{path} is not a SQLite file"
    try:
        address = f"file:{quote(str(path))}?mode={'ro' if existing else 'rw'}"
        with closing(sqlite3.connect(address, uri=True, timeout=LIMIT / 2)) as database:
            # The second one asks for the right to write.
            database.execute("PRAGMA schema_version" if existing else "BEGIN IMMEDIATE")
    except sqlite3.Error as error:
        return f"{path} cannot be used: {first_line(error)}"
    return None


def _cannot_make_in(folder: Path) -> str | None:
    try:
        with tempfile.TemporaryFile(dir=folder):
            return None
    except OSError as error:
        return f"{folder} cannot be written: {os.strerror(error.errno or 0)}"


def _server_problem(uri: str) -> str | None:
    try:
        # urllib would take a login for a part of the host's name.
        bare, user, password = split_login(uri)
        request = urllib.request.Request(f"{bare.rstrip('/')}/health")
        if user:
            request.add_header("Authorization", basic_auth(user, password))
        with urllib.request.urlopen(request, timeout=LIMIT):
            return None
    except urllib.error.HTTPError:
        return None  # a server that wants a login, say: MLflow will tell
    except (OSError, ValueError) as error:
        return f"no server answers: {first_line(root_of(error))}"


def _database_problem(uri: str) -> str | None:
    """Connects once, where MLflow would try again for an hour."""
    import sqlalchemy

    try:
        engine = sqlalchemy.create_engine(uri)
        engine.connect().close()
        engine.dispose()
    except (ImportError, sqlalchemy.exc.SQLAlchemyError) as error:
        return f"the database cannot be used: {first_line(error)}"
    return None
