"""The modules of a trained model that are neither cfexp's nor Keras'.

Keras reads a network only where the classes of its layers are registered, which their
modules do when they are imported. So a saved model names them, and their sources lie
beside it, for machines and processes that do not have them.
"""

import ast
import importlib
import importlib.util
import logging
import sys
import sysconfig
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cfexp.errors import ConfigError, DataError, first_line, in_words
from cfexp.runtime import tensorflow

log = logging.getLogger(__name__)

CODE = "code"
# Imported wherever cfexp loads a model.
KNOWN = {"cfexp", "keras", "tensorflow", "pydantic", "numpy", "pandas"}
INSTALLED = [
    Path(sysconfig.get_path(name)).resolve()
    for name in ("purelib", "platlib", "stdlib", "platstdlib")
]


def modules_of(parts: Iterable[Any]) -> tuple[str, ...]:
    """Returns the modules of functions, of classes and of their bases; not cfexp's."""
    own = [base for part in parts for base in getattr(part, "__mro__", [part])]
    found = {base.__module__ for base in own}
    foreign = sorted(name for name in found if _is_foreign(name))
    if "__main__" in foreign:
        foreign.remove("__main__")
        log.warning(
            "the model's classes are defined in a script or notebook, from where no"
            " other process can load them: move them to a module of their own"
        )
    return tuple(foreign)


def sources(modules: Iterable[str]) -> dict[str, Path]:
    """Returns the files of modules, and of those that they import, by module.

    Installed packages are left out.
    """
    found: dict[str, Path] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        file = _file(name) if name not in found and _is_foreign(name) else None
        if file is None or _is_installed(file):
            continue
        found[name] = file
        parent = name if file.stem == "__init__" else name.rpartition(".")[0]
        waiting += [name.rpartition(".")[0], *_imported(file.read_text(), parent)]
    return found


def write_sources(modules: Iterable[str], folder: Path) -> None:
    """Writes the files of modules into a folder, where they can be imported from."""
    for name, file in sources(modules).items():
        path = folder.joinpath(*name.split("."))
        path = path / file.name if file.stem == "__init__" else path.with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.read_bytes())


def import_modules(
    modules: Iterable[str], folder: Path, *, named: Collection[str] | None
) -> None:
    """Imports what a saved model needs; the user's own modules take precedence.

    Args:
        modules: The modules that it names.
        folder: The model's folder.
        named: Modules that the user names too, where the folder may be a stranger's:
            these and others of the same folder are imported, the folder's copies never.
            None where the model is the user's own.

    Raises:
        ConfigError: The user does not name a module.
        DataError: One cannot be imported.
    """
    needed = [name for name in modules if name not in sys.modules]
    if named is not None:
        _check_named(needed, named, folder)
    code = folder / CODE if named is None else None
    with _last_in_path(code):
        for name in needed:
            start_tensorflow_for(_file(name))
            try:
                importlib.import_module(name)
            except Exception as error:
                raise DataError(
                    f"the model in {folder} needs the module {name}, which cannot be"
                    f" imported: {in_words(error)}: {first_line(error)}. Add its folder"
                    " to PYTHONPATH"
                ) from error
    _warn_of_others(modules, folder / CODE)


def start_tensorflow_for(file: Path | None) -> None:
    """Starts TensorFlow as cfexp does, before a module imports it or Keras."""
    if file is None or file.suffix != ".py":
        return
    try:
        names = _imported(file.read_text(), "", inner=False)
    except SyntaxError:
        return  # said where it is imported
    if {"keras", "tensorflow"} & {name.partition(".")[0] for name in names}:
        tensorflow.start()


def _is_foreign(name: str) -> bool:
    top = name.partition(".")[0]
    return bool(top) and top not in KNOWN and top not in sys.stdlib_module_names


def _is_installed(file: Path) -> bool:
    return any(file.resolve().is_relative_to(folder) for folder in INSTALLED)


def _file(name: str) -> Path | None:
    """Returns the source file of a module; packages above it are imported."""
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None
    found = Path(spec.origin) if spec and spec.origin and spec.has_location else None
    return found if found and found.suffix == ".py" and found.exists() else None


def _imported(source: str, package: str, *, inner: bool = True) -> list[str]:
    """Returns the names that a source imports, in functions too where `inner`."""
    tree = ast.parse(source)
    found = []
    for node in ast.walk(tree) if inner else tree.body:
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")
            above = above[: len(above) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            found += [base, *(f"{base}.{alias.name}" for alias in node.names)]
    return found


def _check_named(modules: list[str], named: Collection[str], folder: Path) -> None:
    """Checks that the user names each module, or another one of the same folder."""
    tops = {name.partition(".")[0] for name in named}
    homes = {_home(top) for top in tops} - {None}
    for name in modules:
        top = name.partition(".")[0]
        if top not in tops and _home(top) not in homes:
            raise ConfigError(
                f"the model in {folder} needs the module {name}, which is not cfexp's."
                " If you trust it, add its folder to PYTHONPATH, and give the"
                " --config-dir that names its model; in Python, import it first"
            )


def _home(top: str) -> Path | None:
    """Returns the folder that a module is imported from; None if it is installed."""
    file = _file(top)
    if file is None or _is_installed(file):
        return None
    return file.parents[1] if file.stem == "__init__" else file.parent


@contextmanager
def _last_in_path(folder: Path | None) -> Iterator[None]:
    """Lets the block import from a folder too, without writing to it."""
    if folder is None or not folder.is_dir():
        yield
        return
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    sys.path.append(str(folder))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        sys.dont_write_bytecode = before


def _warn_of_others(modules: Iterable[str], code: Path) -> None:
    """Warns where a module is not the one that the model was trained with."""
    for name in modules:
        kept = code.joinpath(*name.split(".")).with_suffix(".py")
        used = _file(name)
        if kept.exists() and used and used.read_bytes() != kept.read_bytes():
            log.warning(
                "%s is used, which was changed since this model was trained with %s",
                used,
                kept,
            )
