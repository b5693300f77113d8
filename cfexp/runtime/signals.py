"""SIGINT and SIGTERM end a run in order, between two epochs where it is training."""

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

log = logging.getLogger(__name__)


class Interrupt:
    """Whether, and by which signal, the run was asked to stop."""

    received: signal.Signals | None = None


def interrupt_on_sigterm() -> None:
    """Makes SIGTERM raise KeyboardInterrupt, as SIGINT does."""

    def handle(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt(signal.Signals(number).name)

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, handle)


@contextmanager
def deferred_interrupts() -> Iterator[Interrupt]:
    """Holds back the first SIGINT or SIGTERM; the second goes through at once.

    Yields:
        An object that tells whether there was one.
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
