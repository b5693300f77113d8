"""Leaves MLflow as the calling program has it."""

import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

VARIABLE = "MLFLOW_TRACKING_URI"


@contextmanager
def borrowed() -> Iterator[None]:
    """Lets the block point MLflow elsewhere and quieten it, and puts both back."""
    loggers = [logging.getLogger(name) for name in ("mlflow", "alembic")]
    levels = [logger.level or logging.INFO for logger in loggers]
    uri = _tracking_uri()
    try:
        with warnings.catch_warnings():
            # Of a library that MLflow imports, where a notebook has no ipywidgets.
            warnings.filterwarnings("ignore", "IProgress not found")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        if "mlflow" in sys.modules:
            import mlflow

            mlflow.set_tracking_uri(uri)


def _tracking_uri() -> str | None:
    """Returns the address that the program has set; None where it has set none."""
    if "mlflow" in sys.modules:
        import mlflow

        return mlflow.get_tracking_uri() if mlflow.is_tracking_uri_set() else None
    return os.environ.get(VARIABLE)
