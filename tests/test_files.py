"""Files are written whole or not at all, and belong to one process at a time."""

import errno
import os
from pathlib import Path
from typing import BinaryIO

import pytest

from cfexp.runtime.files import write_text, write_whole
from cfexp.runtime.locks import claimed, is_free


def test_new_file_takes_the_old_ones_name_when_it_is_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "new" / "note.txt"
    write_text(path, "old")
    done = []
    fsync, replace = os.fsync, os.replace

    def synced(descriptor: int) -> None:
        done.append(
            "folder" if os.path.isdir(f"/proc/self/fd/{descriptor}") else "file"
        )
        fsync(descriptor)

    def replaced(self: Path, target: Path) -> None:
        done.append("replace")
        replace(self, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", replaced)
    write_text(path, "nëw")
    assert path.read_text() == "nëw"
    assert done == ["file", "replace", "folder"]
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


def test_second_process_with_the_same_job_has_a_lock_of_its_own(
    tmp_path: Path,
) -> None:
    """So that others see that it lives; the job's checkpoint is the first one's."""
    path = tmp_path / "checkpoints" / "key.lock"
    with claimed(path, wait=False) as (first, mine):
        assert (first, mine) == (path, True)
        with claimed(path, wait=False) as (second, mine):
            assert not mine
            assert second != path
            assert not is_free(second)
        assert not second.exists()
        assert not is_free(path)
    assert not path.parent.exists()
