"""Locks belong to one process at a time, as long as it lives."""

import sys
from pathlib import Path

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
