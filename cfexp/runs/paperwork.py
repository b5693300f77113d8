"""What follows a training: files, plots and MLflow, while the next model trains."""

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from cfexp.config.explain import explain

log = logging.getLogger(__name__)

MAX_WAITING = 2


class Paperwork:
    """Finishes trained jobs in a thread, one after the other.

    While `MAX_WAITING` jobs wait for it, `make_room` waits too, so that few models are
    in memory.

    Attributes:
        errors: The errors of jobs that could not be finished.
    """

    def __init__(self) -> None:
        self.errors: list[Exception] = []
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="paperwork")
        self._room = threading.Semaphore(1 + MAX_WAITING)
        self._jobs: dict[str, Future[None]] = {}

    def make_room(self) -> None:
        """Waits until another job can be added."""
        self._room.acquire()

    def add(self, key: str, name: str, finish: Callable[[], object]) -> None:
        """Finishes a job when those before it are finished; after `make_room`.

        Args:
            key: The job's key.
            name: Its name, for messages.
            finish: Finishes it.
        """

        def work() -> None:
            try:
                finish()
            except Exception as error:
                log.error("%s: %s", name, explain(error))
                log.debug("%s failed", name, exc_info=True)
                self.errors.append(error)
            finally:
                self._room.release()

        self._jobs[key] = self._thread.submit(work)

    def wait_for(self, key: str) -> None:
        """Waits until a job with this key, if there is one, is finished."""
        if key in self._jobs:
            self._jobs[key].result()

    def finish(self) -> None:
        """Waits until all jobs are finished; none can be added any more."""
        self._thread.shutdown()


_open: list[Paperwork] = []


def current() -> Paperwork | None:
    """Returns who finishes the jobs of this process; None if they do it themselves."""
    return _open[-1] if _open else None


def start() -> Paperwork:
    """Lets the trainings of this process leave their paperwork to a thread."""
    _open.append(Paperwork())
    return _open[-1]


def stop(paperwork: Paperwork | None) -> list[Exception]:
    """Ends what `start` began: waits until all jobs are finished.

    Returns:
        The errors of jobs that could not be finished.
    """
    if paperwork is None:
        return []
    if paperwork in _open:
        _open.remove(paperwork)
    paperwork.finish()
    return paperwork.errors


@contextmanager
def in_background() -> Iterator[None]:
    """Lets the trainings in the block leave their paperwork to a thread.

    Raises:
        CfexpError: A job could not be finished; raised at the end of the block.
    """
    paperwork = start()
    try:
        yield
    finally:
        stop(paperwork)
    if paperwork.errors:
        raise paperwork.errors[0]
