"""Checks quickly, without MLflow, that a tracking URI can be used.

A server that accepts and never answers, or a network disk that hangs, gets a timeout:
MLflow would wait for minutes.
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
MISSING = "there is no"
SQLITE_HEADER = b"SQLite format 3\x00"
LIMIT = 12.0  # timeout in seconds: with the start of cfexp, an error takes 15
T = TypeVar("T")


def check_reachable(uri: str, *, existing: bool = False) -> None:
    """Checks that a server answers, or that a SQLite file can be used.

    Args:
        uri: The tracking URI.
        existing: Whether runs must exist already, so that no file is created.

    Raises:
        NoRunsError: With `existing`, there is no file.
        TrackingError: The server does not answer, or the file cannot be used.
    """
    try:
        problem = in_time(lambda: _problem(uri, existing))
    except TimeoutError:
        problem = f"it does not answer within {LIMIT:g} seconds"
    if problem and existing and problem.startswith(MISSING):
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
    """Returns the result of a job that may hang, run in a thread with a timeout.

    Raises:
        TimeoutError: The job takes longer than `LIMIT`; its thread is abandoned.
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
        return f"{MISSING} {path.name} in {path.parent} with tracked runs"
    if not path.exists():
        return _folder_problem(path.parent)
    if not path.is_file():
        return f"{path} is not a file"
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
            # BEGIN IMMEDIATE needs the right to write.
            database.execute("PRAGMA schema_version" if existing else "BEGIN IMMEDIATE")
    except sqlite3.Error as error:
        return f"{path} cannot be used: {first_line(error)}"
    return None


def _folder_problem(folder: Path) -> str | None:
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
        return None  # the server answers; MLflow reports errors such as a wrong login
    except (OSError, ValueError) as error:
        return f"no server answers: {first_line(root_of(error))}"


def _database_problem(uri: str) -> str | None:
    """Connects once; MLflow would retry for an hour."""
    import sqlalchemy

    try:
        engine = sqlalchemy.create_engine(uri)
        engine.connect().close()
        engine.dispose()
    except (ImportError, sqlalchemy.exc.SQLAlchemyError) as error:
        return f"the database cannot be used: {first_line(error)}"
    return None
