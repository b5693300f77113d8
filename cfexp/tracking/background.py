"""A background thread that makes all MLflow calls of a run, in order."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import TypeVar

from cfexp.errors import first_line
from cfexp.tracking.calls import is_refused, retried

log = logging.getLogger(__name__)
T = TypeVar("T")


class Background:
    """Calls MLflow in a thread, since its import and first contact take seconds.

    A server that fails after the run was opened does not stop the run: failed calls are
    kept and retried at the end.

    Args:
        open_run: Opens the run and returns its id; the first call.

    Attributes:
        error: The first error of a call of `now` or `soon`, after which none is made.
    """

    def __init__(self, open_run: Callable[[], str]):
        self.error: Exception | None = None
        self._failed: list[Callable[[], object]] = []
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="mlflow")
        self._opened = self._thread.submit(open_run)

    def __enter__(self) -> "Background":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._thread.shutdown()

    @property
    def run_id(self) -> str:
        """The run's id.

        Raises:
            TrackingError: The run could not be opened.
        """
        return self._opened.result()

    @property
    def is_open(self) -> bool:
        """Whether the run was opened; waits for the first call."""
        return self._opened.exception() is None

    def check(self) -> None:
        """Raises the error of opening the run, without waiting for it.

        Raises:
            TrackingError: The run could not be opened.
        """
        if self._opened.done():
            self._opened.result()

    def now(self, call: Callable[[], T], otherwise: Callable[[], T]) -> T:
        """Makes a call, waits for it and returns its result, see `soon`."""
        return self.soon(call, otherwise)()

    def soon(
        self, call: Callable[[], T], otherwise: Callable[[], T]
    ) -> Callable[[], T]:
        """Makes a call; returns a function that waits for it and returns its result.

        Args:
            call: The call.
            otherwise: Called instead if it, or an earlier such call, fails.

        Raises:
            TrackingError: The run could not be opened.
        """
        self._opened.result()
        made = None if self.error else self._thread.submit(call)

        def result() -> T:
            try:
                if made and self.error is None:
                    return made.result()
            except Exception as error:
                self.error = error
            return otherwise()

        return result

    def later(self, call: Callable[[], object]) -> None:
        """Makes a call without waiting for it; if it fails, `retry` makes it again."""

        def attempt() -> None:
            if self._opened.exception() is not None:
                return  # the next call of `check`, `now` or `run_id` raises the error
            try:
                if self._failed:
                    raise ConnectionError
                retried(call)
            except Exception as error:
                if is_refused(error):  # a retry would fail too
                    log.warning("MLflow refuses a part: %s", first_line(error)[:300])
                    return
                if not self._failed:
                    log.warning("MLflow does not answer: %s", first_line(error)[:200])
                self._failed.append(call)

        self._thread.submit(attempt)

    def retry(self) -> None:
        """Makes the failed calls again, in order; called in the thread."""
        for call in self._failed:
            retried(call)
