"""Makes MLflow's SQLite file, whole or not at all."""

import os
from pathlib import Path

from mlflow.tracking import MlflowClient

PREFIX = "sqlite:///"


def create_database(uri: str) -> None:
    """Makes the SQLite file of a tracking URI with all its tables, if there is none.

    MLflow makes tables one by one: a process killed in between, or two at once, would
    leave a file that cannot be used. So it is made beside its place and moved there.
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
        os.link(partial, path)  # fails where another process was sooner
    except OSError:
        if not path.exists():  # a file system without links
            partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
