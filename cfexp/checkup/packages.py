"""Python, cfexp, and the packages that it needs: whether their versions fit."""

import json
import os
import platform
import re
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

import cfexp
from cfexp.checkup.finding import Finding, note, wrong
from cfexp.runtime.provenance import TENSORFLOWS, installed

# The newest version of Python that cfexp has been tried on.
NEWEST = (3, 13)
EXTRA = re.compile(r"""extra\s*==\s*["']([\w-]+)["']""")
FOR_DEVELOPMENT = ("dev", "docs")


def python() -> Finding:
    """Looks at Python's version."""
    found = f"{platform.python_version()}, {sys.executable}"
    if sys.version_info[:2] > NEWEST:
        newest = ".".join(map(str, NEWEST))
        return note("python", found, f"cfexp is tested up to Python {newest}")
    return Finding("python", found)


def packages() -> Iterator[Finding]:
    """Looks at cfexp, at what it needs, and at its extras."""
    found = f"{cfexp.__version__}, {Path(cfexp.__file__).parent}"
    yield Finding("cfexp", found)
    try:
        needed = [Requirement(text) for text in requires("cfexp") or ()]
    except PackageNotFoundError:
        yield wrong(
            "packages",
            "cfexp is imported from a folder, but not installed",
            "pip install cfexp; or in its checkout: pip install -e .",
        )
        return
    yield _required([one for one in needed if not EXTRA.search(str(one.marker))])
    yield _tensorflow()
    yield _keras()
    for extra in metadata("cfexp").get_all("Provides-Extra") or ():
        if extra not in FOR_DEVELOPMENT:
            own = [r for r in needed if extra in EXTRA.findall(str(r.marker))]
            yield _extra(extra, own)


def _required(needed: list[Requirement]) -> Finding:
    needed = [r for r in needed if r.marker is None or r.marker.evaluate()]
    bad = [one for one in needed if _problem(one)]
    if not bad:
        return Finding("packages", f"all {len(needed)} that cfexp needs")
    said = "; ".join(_problem(one) for one in bad)
    return wrong("packages", said, _install(bad))


def _tensorflow() -> Finding:
    """Looks at which of TensorFlow's packages are installed, without importing it."""
    found = [(name, v) for name in TENSORFLOWS if (v := installed(name))]
    said = ", ".join(f"{name} {v}" for name, v in found) or "not installed"
    if len(found) > 1:
        names = " ".join(name for name, _ in found)
        return note(
            "tensorflow",
            f"{said}: the one that was installed last has overwritten the other",
            f"pip uninstall -y {names}, then install one of them again",
        )
    # What is missing is said of all packages together.
    return Finding("tensorflow", said) if found else note("tensorflow", said)


def _keras() -> Finding:
    """Looks at which backend Keras would use."""
    home = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"))
    backend, where = os.environ.get("KERAS_BACKEND", ""), "KERAS_BACKEND"
    try:
        if not backend:
            where = str(home / "keras.json")
            backend = json.loads(Path(where).read_text()).get("backend", "")
    except (OSError, ValueError):
        backend = ""
    if backend and backend != "tensorflow":
        fix = "unset KERAS_BACKEND" if where == "KERAS_BACKEND" else "remove that line"
        said = f"its backend is {backend}, by {where}; cfexp needs tensorflow"
        return wrong("keras", said, fix)
    return Finding("keras", f"{installed('keras')}, backend tensorflow")


def _extra(name: str, needed: list[Requirement]) -> Finding:
    missing = [one for one in needed if not installed(one.name)]
    what = f"extra {name}"
    if missing:
        return note(what, "not installed", f"pip install 'cfexp[{name}]', if wanted")
    if bad := [one for one in needed if _problem(one)]:
        return wrong(what, "; ".join(map(_problem, bad)), _install(bad))
    return Finding(what, ", ".join(f"{r.name} {installed(r.name)}" for r in needed))


def _problem(needed: Requirement) -> str:
    """Returns what is wrong with the installed version of a package; empty if nothing.

    Another package of TensorFlow's is as good as ``tensorflow``.
    """
    names = TENSORFLOWS if needed.name == "tensorflow" else (needed.name,)
    present = next(filter(None, map(installed, names)), None)
    if present is None:
        return f"{needed.name} is not installed"
    if needed.specifier.contains(Version(present), prereleases=True):
        return ""
    return f"{needed.name} is {present}, not {needed.specifier}"


def _install(bad: list[Requirement]) -> str:
    return "pip install " + " ".join(f"'{r.name}{r.specifier}'" for r in bad)
