"""Garbage of many trainings in one process, and its threads."""

import gc
import sys
import weakref
from collections.abc import Iterator

import pytest

from cfexp.runtime import process


class Graph:
    """Refers to itself, as graphs do."""

    def __init__(self) -> None:
        self.own = self


@pytest.fixture
def manual() -> Iterator[None]:
    """Leaves looking for garbage to the test, which has little to look at."""
    gc.disable()
    gc.freeze()
    yield
    gc.enable()


@pytest.mark.usefixtures("manual")
@pytest.mark.parametrize("is_own", [False, True])
def test_what_trainings_leave_is_freed(
    monkeypatch: pytest.MonkeyPatch, is_own: bool
) -> None:
    monkeypatch.setattr(process, "_is_own", is_own)
    monkeypatch.setattr(process, "_trainings", 0)
    left = []
    for _ in range(4 * process.EVERY):
        process.collect_garbage()
        left.append(weakref.ref(Graph()))
    alive = [graph for graph in left if graph() is not None]
    assert len(alive) <= process.EVERY if is_own else len(alive) == len(left)


@pytest.mark.usefixtures("manual")
def test_what_a_large_training_leaves_is_freed_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(process, "_is_own", True)
    monkeypatch.setattr(process, "_trainings", 2)
    left = weakref.ref(Graph())
    process.collect_garbage()
    assert left() is not None
    process.collect_garbage(large=True)
    assert left() is None


def test_threads_of_an_own_process_take_turns_often(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(process, "_is_own", False)
    thresholds, interval = gc.get_threshold(), sys.getswitchinterval()
    sys.setswitchinterval(0.005)  # Python's own
    try:
        process.make_own()
        assert process.is_own()
        assert sys.getswitchinterval() == pytest.approx(process.SWITCH)
    finally:
        sys.setswitchinterval(interval)
        gc.set_threshold(*thresholds)
