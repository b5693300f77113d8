"""MovieTweetings' densest part: what the package has, and how it was cut."""

from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest
from helpers import cfexp, ok, script
from small_data import DATA_DIR

from cfexp.data import movietweetings
from cfexp.data.movietweetings import FOLDER, MovieTweetings
from cfexp.errors import DataError

FILES = ("ratings.csv.gz", "movies.csv.gz")


@pytest.fixture
def cut() -> ModuleType:
    """The script that made the files."""
    return script("cut_movietweetings")


def test_every_user_and_movie_has_ten_ratings() -> None:
    data = MovieTweetings().load()
    assert (len(data.frame), data.n_users, data.n_items) == (44_613, 2_059, 1_099)
    assert data.scale == (0, 10)
    assert sorted(data.frame["rating"].unique()) == list(range(11))
    for column in ("userId", "movieId"):
        assert data.frame[column].value_counts().min() == 10
    days = pd.to_datetime(data.frame["timestamp"], unit="s").dt.strftime("%Y-%m-%d")
    assert (days.min(), days.max()) == ("2013-02-28", "2013-09-01")


def test_movies_have_titles_genres_and_years() -> None:
    movies = MovieTweetings().load().movies.set_index("movieId")
    assert movies.loc["0133093"].to_dict() == {
        "title": "The Matrix (1999)",
        "genres": "Action|Adventure|Sci-Fi",
        "year": 1999,
    }
    assert len(movies) == 1_099
    assert movies["year"].between(1930, 2013).all()
    assert (movies[["title", "genres"]] != "").all(axis=None)


def test_small_and_with_licence_and_citation() -> None:
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) < 1_000_000
    assert (FOLDER / "LICENSE").read_text().startswith("The MIT License")
    said = " ".join((FOLDER / "README.md").read_text().split())
    assert "Dooms, Simon and De Pessemier, Toon and Martens, Luc" in said
    assert "a Movie Rating Dataset Collected From Twitter" in said


@pytest.mark.parametrize("content", [None, b"", b"no gzip"])
def test_damaged_file_of_the_package(
    workdir: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    for name in FILES:
        (workdir / name).write_bytes((FOLDER / name).read_bytes())
    if content is None:
        (workdir / "movies.csv.gz").unlink()
    else:
        (workdir / "movies.csv.gz").write_bytes(content)
    monkeypatch.setattr(movietweetings, "FOLDER", workdir)
    with pytest.raises(DataError, match=r"cannot read .*movies.csv.gz.*Install cfexp"):
        MovieTweetings().load()


def test_titles_are_recommended_and_pairs_predicted(workdir: Path) -> None:
    ok(cfexp("dataset=movietweetings", "model=bias", "tracking=none", cwd=workdir))
    (run,) = workdir.glob("outputs/*/*")
    done = cfexp("recommend", str(run), "23", "k=3", "tracking=none", cwd=workdir)
    said = ok(done).stdout
    assert "top 3 unseen movies for user 23" in said
    assert "0111161 │ The Shawshank Redemption" in said
    # An id that lost its zeros is another one.
    pairs = "userId,movieId\n23,0111161\n23,111161\n99999,0111161\n"
    (workdir / "pairs.csv").write_text(pairs)
    predict = ["predict", str(run), "pairs.csv", "output=out.csv", "tracking=none"]
    done = ok(cfexp(*predict, cwd=workdir))
    told = "1 of 3 rows are of {} that the model does not know, such as {}"
    near = "111161 (did you mean 0111161?)"
    assert told.format("movies", near) in done.stderr
    assert told.format("users", "99999") in done.stderr
    found = pd.read_csv(workdir / "out.csv", dtype={"movieId": "str"})
    assert found["movieId"].tolist() == ["0111161", "111161", "0111161"]
    assert found["predicted"].iloc[0] > found["predicted"].iloc[1] + 0.5


def test_core_is_the_largest_part(
    cut: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Leaving one out may leave another one too few: user c, then movie 3."""
    pairs = ["a1", "a2", "b1", "b2", "b3", "c3"]
    ratings = pd.DataFrame(map(list, pairs), columns=["userId", "movieId"])
    monkeypatch.setattr(cut, "CORE", 2)
    kept = cut.core(ratings)
    assert (kept["userId"] + kept["movieId"]).tolist() == ["a1", "a2", "b1", "b2"]


@pytest.mark.realdata
@pytest.mark.parametrize("published", [False, True])
def test_script_makes_the_files(
    cut: ModuleType, tmp_path: Path, published: bool
) -> None:
    """From a copy as CSV, and from the format that is published."""
    snapshot = Path(DATA_DIR) / "movietweetings-100k"
    if not snapshot.is_dir():
        pytest.skip(f"no {snapshot}")
    if published:
        for table, columns in cut.COLUMNS.items():
            rows = cut.read(snapshot, table)[columns].itertuples(index=False)
            text = "".join("::".join(row) + "\n" for row in rows)
            (tmp_path / f"{table}.dat").write_text(text, "utf-8")
        snapshot = tmp_path
    cut.main(snapshot, tmp_path)
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (FOLDER / name).read_bytes()
