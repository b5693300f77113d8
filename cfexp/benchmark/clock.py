"""A clock that stands while errors are computed, and errors by its time."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np


class Spent(NamedTuple):
    """Time that was spent, in seconds.

    Attributes:
        seconds: By the clock on the wall.
        processor: Of all processors together.
    """

    seconds: float
    processor: float


class Point(NamedTuple):
    """The test error of a model that still learns.

    Attributes:
        seconds: Seconds since its training began.
        processor: Seconds of processors since then.
        rmse: RMSE on the test rows, in stars.
    """

    seconds: float
    processor: float
    rmse: float


class Clock:
    """Measures time from its creation on, except while it is paused."""

    def __init__(self) -> None:
        self._zero = _now()

    def read(self) -> Spent:
        """Returns the time that was spent."""
        return since(self._zero, _now())

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Stands still within the context."""
        before = _now()
        yield
        pause = since(before, _now())
        self._zero = Spent(*(a + b for a, b in zip(self._zero, pause, strict=True)))


def _now() -> Spent:
    return Spent(time.perf_counter(), time.process_time())


def since(before: Spent, after: Spent) -> Spent:
    """Returns the time that was spent between two readings."""
    return Spent(*(b - a for a, b in zip(before, after, strict=True)))


def seconds_to(points: tuple[Point, ...], goal: float, clock: str) -> float:
    """Returns the least time of a point with an RMSE of at most `goal`; else NaN.

    Args:
        points: The points.
        goal: The RMSE, in stars.
        clock: ``seconds`` or ``processor``.
    """
    return min((getattr(p, clock) for p in points if p.rmse <= goal), default=np.nan)
