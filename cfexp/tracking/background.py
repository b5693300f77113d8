"""One thread that does everything MLflow is asked to do for a run, in order."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import TypeVar

from cfexp.errors import first_line
from cfexp.tracking.calls import insist, is_refused

log = logging.getLogger(__name__)
T = TypeVar("T")


class Background:
    """Calls MLflow in a thread, since its import and first contact take seconds.

    A server that fails after the run was opened does not stop the run: failed calls are
    kept, to be tried again at the end.

    Args:
        open_run: Opens the run and returns its id; the first call.

    Attributes:
        lost: The error of the first call that MLflow must take and did not.
    """

    def __init__(self, open_run: Callable[[], str]):
        self.lost: Exception | None = None
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
        """Whether the run was opened; waits until that is known."""
        return self._opened.exception() is None

    def check(self) -> None:
        """Raises why the run could not be opened, as soon as that is known."""
        if self._opened.done():
            self._opened.result()

    def now(self, call: Callable[[], T], otherwise: Callable[[], T]) -> T:
        """Returns what a call returns that MLflow must take.

        Args:
            call: The call.
            otherwise: Called instead where MLflow does not take it, or an earlier one.

        Raises:
            TrackingError: The run could not be opened.
        """
        self._opened.result()
        if self.lost is None:
            try:
                return self._thread.submit(call).result()
            except Exception as error:
                self.lost = error
        return otherwise()

    def later(self, call: Callable[[], object]) -> None:
        """Makes a call in its turn; one that fails is tried again by `retry`."""

        def attempt() -> None:
            if self._opened.exception() is not None:
                return  # said by whoever needs the run next
            try:
                if self._failed:
                    raise ConnectionError
                insist(call)
            except Exception as error:
                if is_refused(error):  # and would be again
                    log.warning("MLflow refuses a part: %s", first_line(error)[:300])
                    return
                if not self._failed:
                    log.warning("MLflow does not answer: %s", first_line(error)[:200])
                self._failed.append(call)

        self._thread.submit(attempt)

    def retry(self) -> None:
        """Makes the failed calls again, in order; called in the thread."""
        for call in self._failed:
            insist(call)
