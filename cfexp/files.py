"""Writes files whole or not at all, also where the power fails or the disk is full."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


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
