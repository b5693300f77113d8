"""Creates MLflow's SQLite database, whole or not at all: a copy if there is one."""

import logging
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import mlflow
from mlflow.tracking import MlflowClient

from cfexp.errors import first_line
from cfexp.runtime.cache import cache_dir
from cfexp.runtime.files import write_whole

log = logging.getLogger(__name__)

PREFIX = "sqlite:///"


def create_database(uri: str) -> None:
    """Creates the SQLite file of a tracking URI with all tables, if it does not exist.

    MLflow creates the tables one by one: a process killed meanwhile, or two at once,
    would leave an unusable file. So it is created under another name and renamed. Since
    MLflow makes all tables of its first version and then changes them for each later
    one, which takes a second, a file with empty tables is kept in the cache.
    """
    if not uri.startswith(PREFIX) or "?" in uri:
        return
    path = Path(uri.removeprefix(PREFIX))
    if path.exists():
        return
    partial = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    partial.unlink(missing_ok=True)
    empty = cache_dir() / f"mlflow-{mlflow.__version__}.db"
    try:
        is_copied = _copy(empty, partial)
        MlflowClient(tracking_uri=f"{PREFIX}{partial}").search_experiments()
        if not is_copied:
            _keep(partial, empty)
        os.link(partial, path)  # fails if another process has created it meanwhile
    except OSError:
        if not path.exists():  # a file system without links
            partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _copy(empty: Path, to: Path) -> bool:
    """Copies the file that is kept; returns False if there is none that is sound."""
    if not empty.exists():
        return False
    try:
        with closing(sqlite3.connect(f"file:{empty}?mode=ro", uri=True)) as database:
            database.execute("select version_num from alembic_version")
            [(verdict,)] = database.execute("pragma quick_check(1)")
            if verdict != "ok":
                raise sqlite3.DatabaseError(verdict)
        shutil.copyfile(empty, to)
    except (OSError, sqlite3.Error) as error:
        log.debug("%s cannot be copied: %s", empty, first_line(error))
        to.unlink(missing_ok=True)
        return False
    return True


def _keep(made: Path, empty: Path) -> None:
    """Keeps a copy of a new database, without the experiment that MLflow adds.

    That one is in the folder of the database. Without a copy, all works as well.
    """
    try:
        with (
            closing(sqlite3.connect(made)) as source,
            closing(sqlite3.connect(":memory:")) as copy,
        ):
            source.backup(copy)
            copy.execute("delete from experiments")
            copy.commit()
            write_whole(empty, lambda file: file.write(copy.serialize()))
    except (OSError, sqlite3.Error) as error:
        log.debug("%s cannot be written: %s", empty, first_line(error))
