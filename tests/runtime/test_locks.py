"""Locks belong to one process at a time, as long as it lives."""

import sys
from pathlib import Path

import pytest
from filelock import FileLock
from helpers import start

from cfexp.runtime.locks import claimed, held, is_free


def test_lock_is_let_go_by_a_dead_process(tmp_path: Path) -> None:
    path = tmp_path / "job.lock"
    code = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from cfexp.runtime.locks import held\n"
        "with held(Path(sys.argv[1]), wait=True):\n"
        "    print('held', flush=True); time.sleep(100)"
    )
    other = start(str(path), cwd=tmp_path, command=(sys.executable, "-c", code))
    assert other.stdout
    assert other.stdout.readline() == "held\n"
    with held(path, wait=False) as mine:
        assert not mine
    assert not is_free(path)
    other.kill()
    other.communicate()
    with held(path, wait=True) as mine:
        assert mine
    assert not path.exists()


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


def test_folder_that_another_job_removes_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Just before `mkdir` looks at it, and just before the lock is made in it."""
    folder, mkdir, acquire, seen = tmp_path / "c", Path.mkdir, FileLock.acquire, []

    def mkdir_late(self: Path, *args: object, **how: object) -> None:
        if self == folder and not seen:
            seen.append("mkdir")
            raise FileExistsError(self)
        mkdir(self, *args, **how)  # type: ignore[arg-type]

    def acquire_late(self: FileLock, *args: object, **how: object) -> object:
        if len(seen) == 1:
            seen.append("acquire")
            folder.rmdir()
            raise FileNotFoundError(self.lock_file)
        return acquire(self, *args, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "mkdir", mkdir_late)
    monkeypatch.setattr(FileLock, "acquire", acquire_late)
    with held(folder / "job.lock", wait=True) as mine:
        assert mine
    assert seen == ["mkdir", "acquire"]
    assert not folder.exists()


def test_file_where_the_folder_would_be(tmp_path: Path) -> None:
    (tmp_path / "c").write_text("")
    with pytest.raises(FileExistsError), held(tmp_path / "c/job.lock", wait=True):
        pass
