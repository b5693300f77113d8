"""Writes files whole or not at all, also where the power fails or the disk is full."""

import errno
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from cfexp.errors import ConfigError


def write_whole(
    path: Path, write: Callable[[BinaryIO], object], *, private: bool = False
) -> None:
    """Writes a file, so that there is the old one or the new one, never a part.

    The new one is on the disk, not in a buffer, before it takes the old one's name.

    Args:
        path: The file; its folder is made where there is none.
        write: Writes the content into a file that is open for it.
        private: Let nobody but the user read it.

    Raises:
        OSError: It cannot be written; its `filename` is set, and nothing is left.
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
        _sync_folder(path.parent)


def write_text(path: Path, text: str, *, private: bool = False) -> None:
    """Writes a text file, as `write_whole` does."""
    write_whole(path, lambda file: file.write(text.encode()), private=private)


def file_problems(path: Path, option: str) -> list[str]:
    """Returns why a file cannot be written, by the option that names it, if so."""
    if path.is_dir():
        return [f"{option}={path} is a folder: name a file in it"]
    try:
        check_folder(path.parent, option)
    except ConfigError as error:
        return [str(error)]
    return []


def check_folder(folder: Path, option: str) -> None:
    """Checks that files can be written into a folder, which need not be there yet.

    Args:
        folder: The folder.
        option: The option that names it.

    Raises:
        ConfigError: They cannot.
    """
    try:
        path = folder.absolute()
        there = next(place for place in (path, *path.parents) if place.exists())
        if not there.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        with tempfile.TemporaryFile(dir=there):
            return
    except OSError as error:
        raise ConfigError(
            f"{option}={folder} cannot be written: {there}:"
            f" {os.strerror(error.errno or 0)}. Set {option} to a folder that can be"
            " written"
        ) from error


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Names `path` in errors of the operating system that name no file.

    A full disk is noticed while writing, where only the open file is known.
    """
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(path)
        raise


def _sync_folder(folder: Path) -> None:
    """Brings a new name in a folder to the disk, where the system can do that."""
    with suppress(OSError):  # Windows opens no folders; some network disks refuse
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
