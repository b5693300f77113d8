"""A run that is not tracked."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

import pandas as pd

from cfexp.models.predictor import Predictor
from cfexp.runtime.locks import alone_in
from cfexp.training.history import Epoch


class NullRun:
    """A run that logs nothing, for ``tracking=none``.

    Args:
        name: Name of the run.
        folder: The run's folder.
    """

    run_id = None

    def __init__(self, name: str, folder: Path):
        self.name = name
        self._lock = ExitStack()
        self._lock.enter_context(alone_in(folder))

    def __enter__(self) -> "NullRun":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._lock.close()

    def log_start(
        self,
        *,
        params: Mapping[str, Any],
        inputs: Mapping[str, tuple[str, str, str]],
    ) -> None:
        """Does nothing."""

    def log_epoch(self, epoch: Epoch) -> None:
        """Does nothing."""

    def log_results(
        self,
        metrics: Mapping[str, float],
        folder: Path,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Does nothing."""

    def record_finished(self, tags: Mapping[str, str] | None = None) -> None:
        """Does nothing."""

    def log_model(
        self, folder: Path, *, example: pd.DataFrame, note: str
    ) -> Callable[[], Callable[[], Predictor]]:
        """Returns a function that returns what loads the saved predictor."""
        return lambda: partial(Predictor.load, folder)
