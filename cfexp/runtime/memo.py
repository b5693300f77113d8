"""Results that are kept in memory, so that the jobs of a process share them."""

import dataclasses
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from threading import Lock
from typing import Any, TypeVar

import numpy as np
import pandas as pd

T = TypeVar("T")


class Memo:
    """Keeps the results used last, within bounds, so that memory does not grow.

    Results are given to all who ask, and so must not be changed; see `read_only`.

    Args:
        keep: How many results to keep.
        max_bytes: Size of the results together; a larger one is not kept. None: no
            limit, as for memory-mapped tables.
        size: Returns the bytes of a result; those of its arrays and tables if unset.
    """

    def __init__(
        self,
        *,
        keep: int,
        max_bytes: int | None = None,
        size: Callable[[Any], int] | None = None,
    ):
        self._keep, self._max_bytes, self._size = keep, max_bytes, size or _bytes_of
        self._results: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._lock = Lock()

    def __call__(self, key: Hashable, make: Callable[[], T]) -> T:
        """Returns the result that is kept under a key, made if there is none.

        Args:
            key: Everything that the result depends on.
            make: Makes the result; two threads that need it at once may both do so.
        """
        with self._lock:
            if key in self._results:
                self._results.move_to_end(key)
                return self._results[key][0]
        made = make()
        size = 0 if self._max_bytes is None else self._size(made)
        if size <= (self._max_bytes or 0):
            with self._lock:
                self._results[key] = made, size
                self._results.move_to_end(key)
                while self._is_over():
                    self._results.popitem(last=False)
        return made

    def clear(self) -> None:
        """Forgets all results."""
        with self._lock:
            self._results.clear()

    def __len__(self) -> int:
        return len(self._results)

    def __reduce__(self) -> tuple[Any, ...]:
        # A copy in another process begins empty: results are cheaper made than sent.
        return _empty, (self._keep, self._max_bytes, self._size)

    def _is_over(self) -> bool:
        total = sum(size for _, size in self._results.values())
        return len(self._results) > self._keep or total > (self._max_bytes or 0)


def _empty(keep: int, max_bytes: int | None, size: Callable[[Any], int]) -> Memo:
    return Memo(keep=keep, max_bytes=max_bytes, size=size)


def read_only(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Returns a view of an array through which it cannot be changed."""
    view = array.view()
    view.flags.writeable = False
    return view


def _bytes_of(value: Any) -> int:
    """Returns the size of the arrays and tables that a value holds."""
    if isinstance(value, np.ndarray):
        return value.nbytes
    if isinstance(value, pd.DataFrame):
        return int(value.memory_usage(deep=True).sum())
    if isinstance(value, Mapping):
        return sum(map(_bytes_of, value.values()))
    if isinstance(value, list | tuple):
        return sum(map(_bytes_of, value))
    if dataclasses.is_dataclass(value) or hasattr(value, "__dict__"):
        return _bytes_of(vars(value))
    return 0
