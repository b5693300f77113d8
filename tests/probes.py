"""Measures coverage by calls put into cfexp's code, not by tracing every line run.

Before Python 3.12, which has sys.monitoring, a trace function slows all of Python,
in TensorFlow and MLflow too: the tests take 1.3 times as long. coverage.py loads this
module in every process it measures, as a plug-in (its option `plugins`).
"""

import ast
import builtins
import contextlib
import hashlib
import marshal
import os
import sys
import tempfile
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

from coverage import CoveragePlugin, core

PACKAGE = str(Path(__file__).parents[1] / "cfexp") + os.sep
# Where the calls note file and line; added to by any thread.
RUN: set[tuple[str, int]] = set()
NOTE = "__coverage_note__"


def add_notes(node: ast.AST, path: str) -> ast.AST:
    """Puts before each statement a call that notes its line.

    The lines of `except` and `case` are noted where they match.

    Args:
        node: The code, which is changed and returned.
        path: Its file.
    """
    for name in ("body", "orelse", "finalbody", "handlers", "cases"):
        inside = getattr(node, name, None)
        if isinstance(inside, list):  # and not an expression, as of a lambda
            setattr(node, name, [new for one in inside for new in _noted(one, path)])
    return node


def _noted(node: ast.AST, path: str) -> list[ast.AST]:
    add_notes(node, path)
    if isinstance(node, ast.ExceptHandler):
        node.body.insert(0, _note(path, node.lineno))
    elif isinstance(node, ast.match_case):
        node.body.insert(0, _note(path, node.pattern.lineno))
    elif not _is_docstring(node):
        decorators = getattr(node, "decorator_list", [])
        lines = [one.lineno for one in decorators] + [node.lineno]
        return [*(_note(path, line) for line in lines), node]
    return [node]


def _note(path: str, line: int) -> ast.stmt:
    at = {"lineno": line, "end_lineno": line, "col_offset": 0, "end_col_offset": 0}
    ran = ast.Constant((path, line), **at)
    return ast.Expr(ast.Call(ast.Name(NOTE, ast.Load(), **at), [ran], [], **at), **at)


def _is_docstring(node: ast.AST) -> bool:
    text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return text and isinstance(node.value.value, str)


class Probes:
    """Stands in for coverage.py's trace function; has the attributes that one has."""

    data: dict[str, set[int]]

    def start(self) -> None:
        setattr(builtins, NOTE, RUN.add)

    def stop(self) -> None:
        self.activity()

    def activity(self) -> bool:
        """Hands over the lines that have run; says whether there are any."""
        run = RUN.copy()
        RUN.difference_update(run)
        for path, line in run:
            self.data.setdefault(path, set()).add(line)
        return bool(run)

    def reset_activity(self) -> None:
        pass

    def get_stats(self) -> None:
        return None


class WithoutTracing(CoveragePlugin):
    """Has coverage.py use `Probes` in the place of its trace function in Python."""

    def configure(self, config: Any) -> None:
        config.set_option("run:core", "pytrace")
        core.PyTracer = Probes
        setattr(builtins, NOTE, RUN.add)
        SourceFileLoader.get_code = _get_code


PLAIN = SourceFileLoader.get_code
OURS = Path(__file__).read_bytes()


def _get_code(self: SourceFileLoader, name: str) -> Any:
    """Returns a module's code, of which the notes are kept as Python keeps its own."""
    if not self.path.startswith(PACKAGE):
        return PLAIN(self, name)
    path = Path(self.path)
    kept = path.parent / "__pycache__" / f"{path.stem}.noted"
    source = path.read_bytes()
    key = hashlib.sha256(OURS + self.path.encode() + source).digest()
    with contextlib.suppress(FileNotFoundError):
        found = kept.read_bytes()
        if found.startswith(key):
            return marshal.loads(found[len(key) :])
    code = compile(add_notes(ast.parse(source), self.path), path, "exec")
    kept.parent.mkdir(exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=kept.parent, delete=False) as file:
        file.write(key + marshal.dumps(code))
    os.replace(file.name, kept)
    return code


def coverage_init(register: Any, options: dict[str, Any]) -> None:
    """Is called by coverage.py."""
    if sys.version_info < (3, 12):
        register.add_configurer(WithoutTracing())
