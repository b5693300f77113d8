"""Creates MLflow's SQLite database atomically."""

import os
from pathlib import Path

from mlflow.tracking import MlflowClient

PREFIX = "sqlite:///"


def create_database(uri: str) -> None:
    """Creates the SQLite file of a tracking URI with all tables, if it does not exist.

    MLflow creates the tables one by one: a process killed meanwhile, or two at once,
    would leave an unusable file. So it is created under another name and renamed.
    """
    if not uri.startswith(PREFIX) or "?" in uri:
        return
    path = Path(uri.removeprefix(PREFIX))
    if path.exists():
        return
    partial = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    partial.unlink(missing_ok=True)
    try:
        MlflowClient(tracking_uri=f"{PREFIX}{partial}").search_experiments()
        os.link(partial, path)  # fails if another process has created it meanwhile
    except OSError:
        if not path.exists():  # a file system without links
            partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
