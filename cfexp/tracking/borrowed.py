"""Restores the calling program's settings of MLflow."""

import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

VARIABLE = "MLFLOW_TRACKING_URI"


@contextmanager
def borrowed() -> Iterator[None]:
    """Restores MLflow's tracking URI and log levels after the block."""
    loggers = [logging.getLogger(name) for name in ("mlflow", "alembic")]
    levels = [logger.level or logging.INFO for logger in loggers]
    uri = _tracking_uri()
    try:
        with warnings.catch_warnings():
            # By a library that MLflow imports, in a notebook without ipywidgets.
            warnings.filterwarnings("ignore", "IProgress not found")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        if "mlflow" in sys.modules:
            import mlflow

            mlflow.set_tracking_uri(uri)


def _tracking_uri() -> str | None:
    """Returns the tracking URI that the program has set; None if it has set none."""
    if "mlflow" in sys.modules:
        import mlflow

        return mlflow.get_tracking_uri() if mlflow.is_tracking_uri_set() else None
    return os.environ.get(VARIABLE)
