"""Which files cfexp wrote, so that it never overwrites or removes any other.

A hidden file in each output folder lists the files that cfexp wrote there, with their
digests. The folder may be the user's own: ``hydra.run.dir=.``, or ``--output .``.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cfexp.errors import ConfigError
from cfexp.runtime.files import write_text

MARKER = ".cfexp.json"
# What the user can do where something is in the way of a run, or of a sweep.
OTHER_RUN = "move it away, or choose another hydra.run.dir"
OTHER_SWEEP = "move it away, or choose another folder with hydra.sweep.dir="


def check(folder: Path, names: Sequence[str], *, fix: str) -> None:
    """Checks that writing these files would overwrite none of the user's.

    Args:
        folder: The folder to write to.
        names: The files, relative to `folder`.
        fix: What the user can do; ends the message.

    Raises:
        ConfigError: A file exists that cfexp did not write, or that was changed since.
    """
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder} is a file, not a folder; {fix}")
    known = _known(folder)
    for name in names:
        path = folder / name
        if not (path.exists() or path.is_symlink()):
            continue
        if name not in known:
            raise ConfigError(f"{path} is there and is not cfexp's; {fix}")
        # A file that was being written when cfexp was killed has no digest.
        if not path.is_file() or known[name] not in (None, _digest(path)):
            raise ConfigError(f"{path} was changed since cfexp wrote it; {fix}")


def check_whole(folder: Path, *, fix: str) -> None:
    """Checks that a folder holds only files that cfexp wrote, so it can be replaced.

    Raises:
        ConfigError: It holds another file, or one that was changed since.
    """
    check(folder, [], fix=fix)
    if folder.is_dir():
        check(folder, [n for n in _files(folder) if n != MARKER], fix=fix)


def check_marked(folder: Path, *, fix: str) -> None:
    """Checks that a folder is empty or one that cfexp has written to.

    Raises:
        ConfigError: It holds files, and cfexp wrote none of them.
    """
    check(folder, [], fix=fix)
    if folder.is_dir() and any(folder.iterdir()) and not _known(folder):
        raise ConfigError(f"{folder} holds files that are not cfexp's; {fix}")


def claim(folder: Path, names: Sequence[str], *, fix: str) -> None:
    """Records files that are about to be written into `folder`, which is created.

    Raises:
        ConfigError: As `check`.
    """
    check(folder, names, fix=fix)
    folder.mkdir(parents=True, exist_ok=True)
    _record(folder, dict.fromkeys(names))


@contextmanager
def writing(folder: Path, names: Iterable[str], *, fix: str) -> Iterator[None]:
    """Records the files that the block writes into `folder`, which is created.

    Args:
        folder: The folder to write to.
        names: The files that may be written, relative to `folder`.
        fix: What the user can do if a file there is not cfexp's.

    Raises:
        ConfigError: As `check`.
    """
    names = list(names)
    claim(folder, names, fix=fix)
    yield
    _record(folder, {n: _digest(folder / n) for n in names if (folder / n).is_file()})


def record_all(folder: Path) -> None:
    """Records all files of a folder that cfexp has just created."""
    names = [name for name in _files(folder) if name != MARKER]
    _record(folder, {name: _digest(folder / name) for name in names})


def remove(folder: Path, *, fix: str) -> None:
    """Removes a folder that cfexp wrote, if it exists.

    Raises:
        ConfigError: It holds a file that cfexp did not write.
    """
    check_whole(folder, fix=fix)
    if not folder.is_dir():
        return
    for name in _files(folder):
        (folder / name).unlink()
    for below in sorted((p for p in folder.rglob("*")), reverse=True):
        below.rmdir()
    folder.rmdir()


def _files(folder: Path) -> list[str]:
    """Returns all files below `folder`, relative to it."""
    found = [p for p in folder.rglob("*") if p.is_symlink() or not p.is_dir()]
    return sorted(path.relative_to(folder).as_posix() for path in found)


def _known(folder: Path) -> dict[str, str | None]:
    try:
        return dict(json.loads((folder / MARKER).read_text()))
    except (OSError, ValueError):
        return {}


def _record(folder: Path, files: dict[str, str | None]) -> None:
    write_text(folder / MARKER, json.dumps(_known(folder) | files, indent=1))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
