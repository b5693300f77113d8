"""What a result depends on besides its configuration: code and packages."""

import importlib.metadata
import os
import platform
import re
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cfexp.runtime import process

PACKAGES = (
    "cfexp",
    "hydra-core",
    "keras",
    "lazy-loader",
    "mlflow",
    "numpy",
    "omegaconf",
    "pandas",
    "pydantic",
    "scikit-learn",
    "scipy",
    "tensorflow",
)
# The second is the same library without support of GPUs, at half the size.
TENSORFLOWS = ("tensorflow", "tensorflow-cpu")
NAME = re.compile(r"^Name: *(\S+)", re.MULTILINE)
VERSION = re.compile(r"^Version: *(\S+)", re.MULTILINE)
# Environment variable: the checkout that cfexp is imported from, if not the working
# directory.
SOURCE_VARIABLE = "CFEXP_SOURCE"


@dataclass(frozen=True)
class GitState:
    """The state of the git repository of a folder.

    Attributes:
        commit: Hash of the commit that is checked out.
        diff: Uncommitted changes of tracked files, as ``git diff HEAD`` shows them.
        untracked: Files that git neither tracks nor ignores.
    """

    commit: str
    diff: str
    untracked: tuple[str, ...]


def git_state(folder: Path) -> GitState | None:
    """Returns the state of the git repository of `folder`; None outside of one.

    The checkout that `SOURCE_VARIABLE` names, if set, takes precedence over `folder`.
    A process of the command line reads it once, before its first run: the code that it
    has imported stays the same, whatever becomes of the files during a sweep.
    """
    folder = Path(os.environ.get(SOURCE_VARIABLE, folder)).absolute()
    return _state_at_first(folder) if process.is_own() else _state(folder)


@cache
def _state_at_first(folder: Path) -> GitState | None:
    return _state(folder)


def _state(folder: Path) -> GitState | None:
    try:
        commit = _git(folder, "rev-parse", "HEAD").strip()
        diff = _git(folder, "diff", "HEAD", "--no-ext-diff")
        files = _git(folder, "ls-files", "--others", "--exclude-standard").splitlines()
    except (OSError, subprocess.SubprocessError):
        return None
    return GitState(commit, diff, tuple(files))


def versions() -> dict[str, str]:
    """Returns the versions of Python and of the packages that affect a result."""
    return dict(_versions())


@cache
def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        names = TENSORFLOWS if package == "tensorflow" else (package,)
        known = filter(None, map(installed, names))
        found[package] = next(known, "not installed")
    return found


def installed(package: str) -> str | None:
    """Returns the version of a package; None if it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


@cache
def all_packages() -> str:
    """Returns every installed package with its version, as a requirements file."""
    pairs = {}
    for found in importlib.metadata.distributions():
        # `found.metadata` parses the whole file, descriptions included.
        text = found.read_text("METADATA") or found.read_text("PKG-INFO") or ""
        name, version = NAME.search(text), VERSION.search(text)
        if name and version:
            pairs[name[1].lower()] = version[1]
    return "".join(f"{name}=={version}\n" for name, version in sorted(pairs.items()))


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    return done.stdout
