"""MovieLens: its formats, and its download."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from omegaconf import DictConfig
from small_data import movielens_spec, write_tab

from cfexp.config.build import build
from cfexp.errors import DataError


@pytest.mark.parametrize("zipped", [False, True])
def test_tab_format(tmp_path: Path, zipped: bool) -> None:
    write_tab(tmp_path / "ml-x")
    root = tmp_path / "ml-x"
    if zipped:
        root = tmp_path / "ml-x.zip"
        with zipfile.ZipFile(root, "w") as archive:
            for file in (tmp_path / "ml-x").iterdir():
                archive.write(file, f"ml-x/{file.name}")
    data = movielens_spec(root).load()
    assert data.movies["title"].tolist() == ["Amélie (2001)", "None (1999)"]
    assert data.movies["genres"].tolist() == ["Action|Drama", ""]
    assert data.frame["rating"].tolist() == [5, 3, 4]
    assert {k: v.tolist() for k, v in data.official_tests.items()} == {"1": [2]}


def test_dat_and_csv_formats_agree(tmp_path: Path) -> None:
    dat, csv = tmp_path / "dat", tmp_path / "csv"
    dat.mkdir()
    csv.mkdir()
    (dat / "ratings.dat").write_text("1::1::4.5::10\n2::1::3::11\n")
    (dat / "movies.dat").write_text("1::Heat: the film (1995)::Action|Crime\n")
    (csv / "ratings.csv").write_text(
        "userId,movieId,rating,timestamp\n1,1,4.5,10\n2,1,3,11\n"
    )
    (csv / "movies.csv").write_text(
        'movieId,title,genres\n1,"Heat: the film (1995)",Action|Crime\n'
    )
    one = movielens_spec(dat, format="dat").load()
    other = movielens_spec(csv, format="csv").load()
    assert one.fingerprint == other.fingerprint


def test_data_dir_goes_before_download(
    workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tab(workdir / "data" / "ml-x")
    monkeypatch.setenv("CFEXP_DATA_DIR", str(workdir / "data"))
    assert len(movielens_spec(None).load().frame) == 3


def test_download_is_checked_and_cached(
    workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tab(workdir / "ml-x")
    source = workdir / "source.zip"
    with zipfile.ZipFile(source, "w") as archive:
        for file in (workdir / "ml-x").iterdir():
            archive.write(file, f"ml-x/{file.name}")
    served = []

    class Copy:
        def __call__(self, url: str, output_file: str, pooch: object) -> None:
            served.append(url)
            Path(output_file).write_bytes(source.read_bytes())

    monkeypatch.setattr("pooch.core.choose_downloader", lambda *a, **k: Copy())
    monkeypatch.delenv("CFEXP_DATA_DIR", raising=False)
    with pytest.raises(DataError, match="cannot download.*hash"):
        movielens_spec(None).load()
    assert not list((workdir / "cache").glob("ml-x*"))
    import pooch

    good = f"sha256:{pooch.file_hash(str(source))}"
    for _ in range(2):
        assert len(movielens_spec(None, hash=good).load().frame) == 3
    assert len(served) == 2  # the bad one, and one good one
    kept = workdir / "cache" / "ml-x.zip"
    for damage in (kept.read_bytes()[:-9], kept.read_bytes().replace(b"1", b"2"), b""):
        kept.write_bytes(damage)
        assert movielens_spec(None, hash=good).load().frame["rating"].sum() == 12
    assert len(served) == 5
    with pytest.raises(DataError, match="cannot download.*Algorithm 'shake' not"):
        movielens_spec(None, hash="shake:12").load()
    assert kept.read_bytes() == source.read_bytes()


def test_offline_says_what_to_do(
    workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CFEXP_DATA_DIR", raising=False)
    with pytest.raises(DataError, match="cannot download .* set dataset.root to it"):
        movielens_spec(None).load()


@pytest.mark.parametrize("content", ["", "nonsense", "1\t1\tx\t3\n", "9\t1\t1\t3\t5\n"])
def test_unreadable_movielens(tmp_path: Path, content: str) -> None:
    write_tab(tmp_path / "ml-x")
    (tmp_path / "ml-x" / "u.data").write_text(content)
    with pytest.raises(DataError, match="ml-x"):
        movielens_spec(tmp_path / "ml-x").load()


def test_folder_without_the_dataset(tmp_path: Path) -> None:
    (tmp_path / "other.txt").write_text("")
    with pytest.raises(DataError, match=r"holds no u\.data. It holds: other\.txt"):
        movielens_spec(tmp_path).load()
    with pytest.raises(DataError, match="neither a folder nor a zip file"):
        movielens_spec(tmp_path / "other.txt").load()


@pytest.mark.realdata
def test_real_movielens(composed: Callable[..., DictConfig]) -> None:
    for name, n in (("ml-100k", 100_000), ("ml-latest-small", 100_004)):
        data = build(composed(f"dataset={name}")).experiment.dataset.load()  # type: ignore[attr-defined]
        assert len(data.frame) == n
