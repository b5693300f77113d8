"""SIGINT and SIGTERM end a run cleanly; while training, after the current epoch."""

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

log = logging.getLogger(__name__)


class Interrupt:
    """The signal that asked the run to stop, if any."""

    received: signal.Signals | None = None


def interrupt_on_sigterm() -> None:
    """Makes SIGTERM raise KeyboardInterrupt, as SIGINT does."""

    def handle(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt(signal.Signals(number).name)

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, handle)


@contextmanager
def deferred_interrupts() -> Iterator[Interrupt]:
    """Defers the first SIGINT or SIGTERM; the second takes effect at once.

    Yields:
        An object whose `received` is the deferred signal.
    """
    interrupt = Interrupt()
    if threading.current_thread() is not threading.main_thread():
        yield interrupt
        return

    def handle(number: int, frame: FrameType | None) -> None:
        interrupt.received = signal.Signals(number)
        log.warning("%s: stopping after this epoch", interrupt.received.name)
        restore()

    previous = {
        number: signal.signal(number, handle)
        for number in (signal.SIGINT, signal.SIGTERM)
    }

    def restore() -> None:
        for number, handler in previous.items():
            signal.signal(number, handler)

    try:
        yield interrupt
    finally:
        restore()
