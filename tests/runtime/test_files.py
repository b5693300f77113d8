"""Files are written whole or not at all."""

import errno
import os
from pathlib import Path
from typing import BinaryIO

import pytest

from cfexp.runtime.files import link_or_copy, write_text, write_whole


def test_new_file_takes_the_old_ones_name_when_it_is_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "new" / "note.txt"
    write_text(path, "old")
    done = []
    fsync, replace = os.fsync, os.replace

    def synced(descriptor: int) -> None:
        done.append("sync")
        fsync(descriptor)

    def replaced(self: Path, target: Path) -> None:
        done.append("replace")
        replace(self, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", replaced)
    write_text(path, "nëw")
    assert path.read_text() == "nëw"
    assert done == ["sync", "replace"]
    assert [file.name for file in path.parent.iterdir()] == ["note.txt"]


def test_full_disk_leaves_the_old_file_and_names_it(tmp_path: Path) -> None:
    path = tmp_path / "note.txt"
    write_text(path, "old")

    def full(file: BinaryIO) -> None:
        file.write(b"ne")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(OSError, match="No space left") as failed:
        write_whole(path, full)
    assert failed.value.filename == str(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("same_disk", [True, False])
def test_another_name_of_a_file_or_a_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, same_disk: bool
) -> None:
    def refused(source: object, target: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    if not same_disk:
        monkeypatch.setattr(os, "link", refused)
    (tmp_path / "old").write_text("text")
    link_or_copy(tmp_path / "old", tmp_path / "new")
    assert (tmp_path / "new").read_text() == "text"
    assert (tmp_path / "new").samefile(tmp_path / "old") == same_disk
