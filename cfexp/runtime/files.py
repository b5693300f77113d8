"""Atomic writes: whole or not at all, even if the power fails or the disk is full."""

import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from cfexp.errors import ConfigError


def write_whole(
    path: Path, write: Callable[[BinaryIO], object], *, private: bool = False
) -> None:
    """Writes a file atomically: the old or the new content is there, never a part.

    The new file is synced to disk before it replaces the old one. The folder is not,
    which would take as long again: if the power fails then, the old file is back.

    Args:
        path: The file; its folder is created if missing.
        write: Writes the content to an open binary file.
        private: Make the file readable by the user only.

    Raises:
        OSError: The file cannot be written. `filename` is set; no partial file stays.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with naming(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            if private:
                partial.touch(mode=0o600)
            with partial.open("wb") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)


def write_text(path: Path, text: str, *, private: bool = False) -> None:
    """Writes a text file atomically, see `write_whole`."""
    write_whole(path, lambda file: file.write(text.encode()), private=private)


def link_or_copy(source: str | Path, target: str | Path) -> None:
    """Makes `target` another name of a file, or a copy if the system cannot do that."""
    try:
        os.link(source, target)
    except OSError:  # another disk, or one that has no links
        shutil.copy2(source, target)


def file_problems(path: Path, option: str) -> list[str]:
    """Returns why the file given in `option` cannot be written; empty if it can."""
    if path.is_dir():
        return [f"{option}={path} is a folder: name a file in it"]
    try:
        check_folder(path.parent, option)
    except ConfigError as error:
        return [str(error)]
    return []


def check_folder(folder: Path, option: str) -> None:
    """Checks that files can be written into a folder, which need not exist yet.

    Args:
        folder: The folder.
        option: The option that names it.

    Raises:
        ConfigError: The folder, or the one to create it in, cannot be written.
    """
    try:
        path = folder.absolute()
        existing = next(place for place in (path, *path.parents) if place.exists())
        if not existing.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        with tempfile.TemporaryFile(dir=existing):
            return
    except OSError as error:
        raise ConfigError(
            f"{option}={folder} cannot be written: {existing}:"
            f" {os.strerror(error.errno or 0)}. Set {option} to a folder that can be"
            " written"
        ) from error


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Adds `path` to operating system errors that name no file, such as a full disk."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(path)
        raise
