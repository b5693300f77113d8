"""Caches: read only if whole, else made anew; also by several processes at once."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from helpers import ROOT
from small_data import synthetic

from cfexp.data.cache import RECENT
from cfexp.data.encoder import FeatureEncoder, encode
from cfexp.data.ratings import Ratings
from cfexp.data.streaming import encode_on_disk
from cfexp.errors import DataError


def halve(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def empty(file: Path) -> None:
    file.write_bytes(b"")


def alter(file: Path) -> None:
    """Changes one byte, but neither size nor time."""
    stat, data = file.stat(), bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))


DAMAGES = [halve, empty, alter, Path.unlink]


def files_of(cache: Path, kind: str) -> list[str]:
    (folder,) = (path for path in cache.glob(f"{kind}-*") if path.is_dir())
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def cache(workdir: Path) -> Path:
    return workdir / "cache"


def damaged_in_turn(
    cache: Path, kind: str, damage: Callable[[Path], None], read: Callable[[], object]
) -> int:
    """Damages each file of a kept folder and reads it again; returns how many."""
    names = files_of(cache, kind)
    for name in names:
        (folder,) = (path for path in cache.glob(f"{kind}-*") if path.is_dir())
        damage(folder / name)
        read()
    return len(names)


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_datasets_are_made_anew(
    cache: Path,
    ratings: Ratings,
    damage: Callable[[Path], None],
    caplog: pytest.LogCaptureFixture,
) -> None:

    def read() -> None:
        RECENT.clear()
        again = synthetic().load()
        fresh = Ratings(again.name, again.frame, again.movies, again.scale)
        assert fresh.fingerprint == again.fingerprint == ratings.fingerprint

    read()
    n_files = damaged_in_turn(cache, "ratings", damage, read)
    assert n_files == 6
    assert caplog.text.count("is damaged: making it again") == n_files


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_rows_are_encoded_anew(
    cache: Path, ratings: Ratings, damage: Callable[[Path], None]
) -> None:
    rows = np.arange(2000)
    encoder = FeatureEncoder.fit(ratings, rows)
    plain = encode(ratings, encoder, rows)

    def read() -> None:
        again = encode_on_disk(ratings, encoder, rows)
        assert again.rating.sum() == plain.rating.sum()
        assert np.array_equal(np.sort(again.user), np.sort(plain.user))

    read()
    assert damaged_in_turn(cache, "encoded", damage, read) == 4


def test_a_folder_half_made_is_not_read(cache: Path, ratings: Ratings) -> None:
    """It lies under another name, left by a process that died, and goes."""
    synthetic().load()
    (folder,) = (path for path in cache.glob("ratings-*") if path.is_dir())
    folder.rename(folder.with_name(f"{folder.name}.tmp"))
    (folder.with_name(f"{folder.name}.tmp") / "frame.arrow").write_bytes(b"half")
    RECENT.clear()
    assert synthetic().load().frame.equals(ratings.frame)
    assert [path.name for path in cache.glob("*.tmp")] == []


FILL = """
import logging, sys
from pathlib import Path
import cfexp.runtime.kept as kept

def make(partial):
    print("making", flush=True)
    sys.stdin.readline()
    (partial / "a").write_text("a")

logging.basicConfig(level="INFO", stream=sys.stdout)
kept.keep(Path(sys.argv[1]), make)
assert kept.intact(Path(sys.argv[1]))
"""


def test_two_processes_make_it_once(tmp_path: Path) -> None:
    def start() -> subprocess.Popen[str]:
        command = [sys.executable, "-c", FILL, str(tmp_path / "x")]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True)

    for damaged in (False, True):
        if damaged:
            empty(tmp_path / "x" / "a")
        with start() as one:
            assert one.stdout
            while one.stdout.readline() != "making\n":
                assert damaged  # which is told first
            with start() as other:
                assert other.stdout
                assert "waiting for another process" in other.stdout.readline()
                one.communicate("\n")
                assert other.communicate()[0] == ""
        assert one.returncode == other.returncode == 0
        assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_a_cache_that_cannot_be_written(
    cache: Path, ratings: Ratings, caplog: pytest.LogCaptureFixture
) -> None:
    cache.write_text("a file where the folder would be")
    assert len(synthetic().load().frame) == 3000
    assert "cannot be cached" in caplog.text
    encoder = FeatureEncoder.fit(ratings, np.arange(9))
    with pytest.raises(DataError, match="Set CFEXP_CACHE_DIR to a folder with room"):
        encode_on_disk(ratings, encoder, np.arange(9))
