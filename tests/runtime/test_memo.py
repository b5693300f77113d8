"""Results that jobs share."""

import pickle
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from cfexp.runtime.memo import Memo, read_only


@pytest.fixture
def made() -> Callable[[], int]:
    """Counts how often it makes something."""
    count = iter(range(100))
    return lambda: next(count)


def test_each_result_is_made_once(made: Callable[[], int]) -> None:
    memo = Memo(keep=2)
    assert [memo(key, made) for key in "aba"] == [0, 1, 0]
    memo.clear()
    assert memo("a", made) == 2


def test_the_result_used_last_stays(made: Callable[[], int]) -> None:
    memo = Memo(keep=2)
    assert [memo(key, made) for key in "abacab"] == [0, 1, 0, 2, 0, 3]
    assert len(memo) == 2


def test_size_is_bounded() -> None:
    memo = Memo(keep=9, max_bytes=1000)
    values = [np.zeros(50), {"a": (pd.DataFrame({"x": np.zeros(50)}),)}, np.zeros(50)]
    for key, value in enumerate(values):
        assert memo(key, lambda value=value: value) is value
    assert len(memo) == 2
    memo("too large", lambda: np.zeros(126))
    assert len(memo) == 2
    assert memo("too large", lambda: 7) == 7


def test_failure_is_not_kept(made: Callable[[], int]) -> None:
    memo = Memo(keep=2)
    with pytest.raises(ZeroDivisionError):
        memo("a", lambda: 1 // 0)
    assert memo("a", made) == 0


def test_copy_is_empty(made: Callable[[], int]) -> None:
    memo = Memo(keep=2, max_bytes=10)
    memo("a", made)
    other = pickle.loads(pickle.dumps(memo))
    assert len(other) == 0
    assert other("a", made) == 1


def test_read_only_array() -> None:
    array = np.zeros(3)
    with pytest.raises(ValueError, match="read-only"):
        read_only(array)[0] = 1
    array[0] = 1
