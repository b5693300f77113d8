"""Modules that a library imports at once, imported only when they are used."""

import importlib
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

# The import system asks for these before it sets them.
_SET_ON_IMPORT = ("__path__", "__file__", "__cached__")


@contextmanager
def deferred(names: Iterable[str]) -> Iterator[None]:
    """Imports some modules when they are first used rather than in the block.

    Afterwards, nobody can tell the difference but by the time it takes: importing such
    a module imports it, and so does reading an attribute of one that the block got.

    Args:
        names: Full names of the modules, such as ``keras.wrappers``.
    """
    finder = _Finder(set(names))
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in finder.names:
            # What looks at every module there, as `inspect` does, would use them.
            if isinstance(sys.modules.get(name), _Deferred):
                del sys.modules[name]


class _Deferred(ModuleType):
    """Stands for a module until an attribute is read."""

    def __getattr__(self, name: str) -> Any:
        if name in _SET_ON_IMPORT:
            raise AttributeError(name)
        return getattr(self._imported(), name)

    def __dir__(self) -> list[str]:
        return dir(self._imported())

    def _imported(self) -> ModuleType:
        name = self.__name__
        if sys.modules.get(name) is self:  # used in the block
            del sys.modules[name]
            for finder in sys.meta_path:
                if isinstance(finder, _Finder):
                    finder.names.discard(name)
        return importlib.import_module(name)


class _Finder(MetaPathFinder, Loader):
    """Finds some modules as usual, and loads something that stands for them."""

    def __init__(self, names: set[str]):
        self.names = names

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        found = PathFinder.find_spec(name, path) if name in self.names else None
        if found:
            found.loader = self
        return found

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Deferred(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        pass
