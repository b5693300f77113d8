"""The command line, in this process or in one of its own, and servers."""

import atexit
import contextlib
import importlib
import io
import logging
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

from hydra.core.global_hydra import GlobalHydra

from cfexp import cli
from cfexp.runtime import process as kind_of_process
from cfexp.runtime import provenance

ROOT = Path(__file__).parents[1]
TINY = ["dataset.n_ratings=3000", "dataset.n_users=100", "dataset.n_items=150"]
SMALL = [*TINY, "training=quick", "tracking=none"]
FITTED = [*TINY, "model=dot", "embed_dim=4", "training=quick"]


@dataclass(frozen=True)
class Done:
    """What a command came to: its exit status, and what it said."""

    returncode: int
    stdout: str
    stderr: str


def cfexp(*arguments: str, cwd: Path, env: Mapping[str, str] | None = None) -> Done:
    """Runs the command line in this process, as in one of its own.

    Args:
        arguments: The command line's arguments.
        cwd: The working directory.
        env: Environment variables to set besides.
    """
    share_tables()
    out, err = io.StringIO(), io.StringIO()
    with (
        untouched(cwd),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        os.environ.pop("HYDRA_FULL_ERROR", None)
        os.environ.update(env or {})
        sys.argv = ["cfexp", *arguments]
        status = cli.run_arguments()
    return Done(status, out.getvalue(), err.getvalue())


def skipped(done: Done) -> int:
    """Returns how many jobs of a sweep, or repeats, had been finished before."""
    return len(re.findall(r"^\d+/\d+ .* finished before *$", done.stdout, re.M))


def ok(done: Done) -> Done:
    """Checks that a command went well."""
    assert done.returncode == 0, done.stderr
    return done


def script(name: str) -> ModuleType:
    """Imports a script, which has no suffix."""
    loader = SourceFileLoader(name, str(ROOT / "scripts" / name))
    spec = spec_from_loader(name, loader)
    assert spec
    module = sys.modules[name] = module_from_spec(spec)
    loader.exec_module(module)
    return module


@contextlib.contextmanager
def untouched(cwd: Path) -> Iterator[None]:
    """Goes to a folder, and takes back all that a command changes in its process."""
    modules = set(sys.modules)
    handlers = {n: signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT)}
    with (
        _same_loggers(),
        mock.patch.dict(os.environ),
        mock.patch.object(sys, "argv"),
        mock.patch.object(kind_of_process, "_is_own", False),
        mock.patch.object(sys, "path", [str(cwd), *sys.path]),
        contextlib.chdir(cwd),
    ):
        importlib.invalidate_caches()  # a test may just have written a module
        try:
            yield
        finally:
            provenance._state_at_first.cache_clear()
            GlobalHydra.instance().clear()
            for number, handler in handlers.items():
                signal.signal(number, handler)
            for name in sys.modules.keys() - modules:
                file = getattr(sys.modules[name], "__file__", None) or ""
                if Path(file).is_relative_to(cwd):
                    del sys.modules[name]
            if "tensorflow" in sys.modules:
                from tensorflow.python.framework.config import disable_op_determinism

                disable_op_determinism()


@contextlib.contextmanager
def _same_loggers() -> Iterator[None]:
    """Keeps levels and handlers of all loggers, and closes handlers that are added."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    levels = {name: one.level for name, one in _loggers().items()}
    # Hydra's set-up of logging closes every handler there is, pytest's too.
    with (
        mock.patch.object(logging, "_handlerList", []),
        mock.patch.object(logging, "raiseExceptions", logging.raiseExceptions),
    ):
        try:
            yield
        finally:
            for handler in set(root.handlers) - set(handlers):
                handler.close()
            root.handlers[:] = handlers
            root.setLevel(level)
            for name, logger in _loggers().items():
                logger.setLevel(levels.get(name, logging.NOTSET))


def _loggers() -> dict[str, logging.Logger]:
    known = logging.getLogger().manager.loggerDict
    return {k: v for k, v in known.items() if isinstance(v, logging.Logger)}


@cache
def share_tables() -> None:
    """Lets all tests of this process share the empty tables of MLflow that are kept."""
    from cfexp.tracking import database

    kept = Path(tempfile.mkdtemp(prefix="cfexp-tables-"))
    atexit.register(shutil.rmtree, kept, ignore_errors=True)
    database.cache_dir = lambda: kept


PYTHON = (sys.executable, "-m", "cfexp")


def start(
    *arguments: str,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    command: Sequence[str] = PYTHON,
) -> subprocess.Popen[str]:
    """Starts the command line in a process of its own, and returns at once."""
    inherited = {k: v for k, v in os.environ.items() if k != "HYDRA_FULL_ERROR"}
    # What lies on the path goes on, such as another pandas (scripts/check-pandas2).
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return subprocess.Popen(
        [*command, *arguments],
        cwd=cwd,
        env={**inherited, "PYTHONPATH": path, **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def process(*arguments: str, cwd: Path, **how: Any) -> Done:
    """Runs the command line in a process of its own; see `start`."""
    started = start(*arguments, cwd=cwd, **how)
    stdout, stderr = started.communicate()
    return Done(started.returncode, stdout, stderr)


def python(code: str, *arguments: str, cwd: Path, **how: Any) -> Done:
    """Runs some Python, most often around the command line, in a process of its own."""
    return process(*arguments, cwd=cwd, command=(sys.executable, "-c", code), **how)


def free_port() -> int:
    """Returns a port that nobody listens at."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def answers(uri: str, server: subprocess.Popen[Any]) -> None:
    """Waits until a server that was started answers, however long that takes."""
    while True:
        assert server.poll() is None, f"the server of {uri} has ended"
        try:
            with urllib.request.urlopen(uri, timeout=5):
                return
        except OSError:
            time.sleep(0.1)
