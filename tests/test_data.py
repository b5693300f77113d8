"""Datasets: formats, checks, fingerprints, planted structure."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import synthetic
from omegaconf import DictConfig

from cfexp.config.build import build
from cfexp.data.checks import require_different_ratings
from cfexp.data.movielens import MovieLens
from cfexp.data.ratings import Ratings, canonical
from cfexp.data.tabular import Tabular
from cfexp.errors import ConfigError, DataError

MOVIES = pd.DataFrame(
    {"movieId": [1, 2, 3], "title": ["A", "B", "C"], "genres": ["X|Y", "", None]}
)


def frame(rows: list[tuple[object, ...]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["userId", "movieId", "rating", "timestamp"])


def canon(rows: list[tuple[object, ...]], **options: object) -> Ratings:
    return canonical("t", frame(rows), MOVIES, **{"scale": (1, 5), **options})  # type: ignore[arg-type]


def test_canonical_form_does_not_depend_on_the_order_of_rows() -> None:
    rows = [(2, 1, 4.0, 7), (1, 3, 3.0, 6), (1, 2, 5.0, 5)]
    one, other = canon(rows), canon(rows[::-1])
    assert one.frame["userId"].tolist() == [1, 1, 2]
    assert one.frame["movieId"].tolist() == [2, 3, 1]
    assert one.fingerprint == other.fingerprint
    assert one.movies["genres"].tolist() == ["X|Y", "", ""]


@pytest.mark.parametrize("column", ["userId", "movieId", "rating", "timestamp"])
def test_fingerprint_sees_every_column_of_every_row(column: str) -> None:
    rows = [(u, m, 3.0, 5) for u in range(50) for m in (1, 2)]
    changed = frame(rows)
    changed.loc[99, column] += 1
    movies = MOVIES
    assert (
        canonical("t", changed, movies, scale=(1, 5)).fingerprint
        != canon(rows).fingerprint
    )


def test_fingerprint_sees_genres() -> None:
    rows = [(1, 1, 3.0, 5)]
    other = MOVIES.assign(genres=["X", "", ""])
    assert (
        canon(rows).fingerprint
        != canonical("t", frame(rows), other, scale=(1, 5)).fingerprint
    )


@pytest.mark.parametrize(("policy", "expected"), [("last", 2.0), ("mean", 3.0)])
def test_duplicates(policy: str, expected: float) -> None:
    data = canon([(1, 1, 2.0, 9), (1, 1, 4.0, 5)], duplicates=policy)
    assert data.frame["rating"].tolist() == [expected]
    assert data.frame["timestamp"].tolist() == [9]


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        ([(1, 1, 2.0, 9), (1, 1, 4.0, 5)], {}, "1 user-movie pairs are rated more"),
        ([(1, 1, 6.0, 9)], {}, "1 ratings lie outside the scale 1 to 5"),
        ([(1, 1, np.nan, 9)], {}, "column rating of the ratings table has 1 missing"),
        ([(None, 1, 3.0, 9)], {}, "column userId of the ratings table has 1 missing"),
        ([(1, 1, "good", 9)], {}, "column rating has 1 values that are not numbers"),
        ([(1, 1, np.inf, 9)], {}, "column rating has 1 values that are not numbers"),
        ([(1, 1, 1e308, 9)], {}, "1 values that lie beyond 1,000,000.*rating=1e.308"),
        ([(1, 1, True, 9)], {}, "column rating holds True and False, not numbers"),
        ([(308, 1, -1.0, 9)], {}, "First: userId=308, movieId=1, rating=-1, timest"),
        ([(np.inf, 1, 3.0, 9)], {}, "t: column userId: inf is no id"),
        ([(1, [2], 3.0, 9)], {}, r"t: column movieId: \[2\] is no id"),
        ([(1, 1, 3.0, "noon")], {}, "column timestamp has 1 values that are not times"),
        ([(1, 1, 3.0, 1e300)], {}, "1 values that are not times.*timestamp=null"),
        ([(1, 1, 3.0, None)], {}, "timestamp of .* has 1 missing.*timestamp=null"),
        ([], {}, "the ratings table has no rows"),
        ([(1, 9, 3.0, 9)], {"unknown_movies": "error"}, "1 rated movies are not in"),
    ],
)
def test_bad_ratings(
    rows: list[tuple[object, ...]], options: dict[str, object], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        canon(rows, **options)


@pytest.mark.parametrize(
    ("times", "seconds"),
    [
        ([5, 7.0], [5, 7]),
        ([5, 7.001], [5, 7.001]),
        (["1970-01-01", "1970-01-01 00:01:00.5"], [0, 60.5]),
        (["1970-01-01T00:00:00Z", "1970-01-01T02:00:00+01:00"], [0, 3600]),
        (pd.to_datetime(["1970-01-01", "1970-01-02"]), [0, 86400]),
    ],
    ids=str,
)
def test_timestamps_are_seconds(times: object, seconds: list[float]) -> None:
    rows = frame([(1, 1, 3.0, 0), (1, 2, 4.0, 0)]).assign(timestamp=times)
    data = canonical("t", rows, MOVIES, scale=None)
    assert data.frame["timestamp"].tolist() == seconds
    whole = all(float(s).is_integer() for s in seconds)
    assert pd.api.types.is_integer_dtype(data.frame["timestamp"]) == whole


def test_fingerprint_sees_fractions_of_a_second() -> None:
    whole, part = canon([(1, 1, 3.0, 5)]), canon([(1, 1, 3.0, 5.001)])
    assert whole.fingerprint != part.fingerprint


def test_equal_ratings_teach_nothing() -> None:
    require_different_ratings("t", pd.Series([5.0, 4.0]))
    with pytest.raises(DataError, match=r"all 3 ratings are 5, .*\(implicit data\)"):
        require_different_ratings("t", pd.Series([5.0] * 3))


def test_movies_must_be_unique() -> None:
    twice = pd.concat([MOVIES, MOVIES.head(1)])
    with pytest.raises(DataError, match="1 movies appear more than once"):
        canonical("t", frame([(1, 1, 3.0, 9)]), twice, scale=(1, 5))


def test_missing_column_names_those_there_are() -> None:
    with pytest.raises(DataError, match="no column rating.*userId, movieId, stars"):
        canonical(
            "t",
            frame([(1, 1, 3.0, 9)]).rename(columns={"rating": "stars"}),
            MOVIES,
            scale=None,
        )


def test_unknown_movies_are_kept_without_genres() -> None:
    data = canon([(1, 9, 3.0, 9)])
    assert data.movies[data.movies["movieId"] == 9]["genres"].tolist() == [""]


def test_synthetic_is_deterministic_and_shaped_like_movielens() -> None:
    spec = synthetic(20_000, n_users=None, n_items=None)
    one, other = spec.load(), spec.load()
    assert one.fingerprint == other.fingerprint
    assert len(one.frame) == 20_000
    assert not one.frame.duplicated(["userId", "movieId"]).any()
    assert set(one.frame["rating"]) == {1.0, 2.0, 3.0, 4.0, 5.0}
    counts = one.frame["movieId"].value_counts()
    assert counts.head(len(counts) // 5).sum() > 0.5 * len(one.frame)
    other = synthetic(20_000, n_users=None, n_items=None, data_seed=1).load()
    assert other.fingerprint != one.fingerprint


def test_synthetic_half_stars() -> None:
    data = synthetic(half_stars=True).load()
    assert data.scale == (0.5, 5.0)
    assert (data.frame["rating"] * 2 % 1 == 0).all()
    assert (data.frame["rating"] % 1 != 0).any()


def test_synthetic_genres_matter() -> None:
    """A user's rating leans the way of their other ratings of the genre."""
    data = synthetic(20_000, n_users=200, n_items=600, n_factors=1).load()
    genres = data.movies.set_index("movieId")["genres"]
    rows = data.frame.assign(genre=data.frame["movieId"].map(genres))
    rows = rows[rows["genre"].str.count(r"\|") == 0]
    rows["rating"] -= rows.groupby("movieId")["rating"].transform("mean")
    rows["rating"] -= rows.groupby("userId")["rating"].transform("mean")

    def leaning(genre: np.ndarray) -> float:
        groups = rows.groupby(["userId", genre])["rating"]
        others = groups.transform("sum") - rows["rating"]
        return float(np.corrcoef(others, rows["rating"])[0, 1])

    shuffled = np.random.default_rng(0).permutation(rows["genre"].to_numpy())
    assert leaning(rows["genre"].to_numpy()) > leaning(shuffled) + 0.05


def test_large_datasets_are_parsed_once(
    workdir: Path, csv_files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tab(workdir / "ml")
    specs = [synthetic(), movielens_spec(workdir / "ml"), tabular(*csv_files)]
    plain = [spec.load() for spec in specs]
    assert not (workdir / "cache").exists()
    monkeypatch.setattr("cfexp.data.cache.CACHE_FROM", 1)
    kept = [spec.load() for spec in specs]
    assert len(list((workdir / "cache").glob("ratings-*/about.json"))) == 3
    for kind in ("synthetic.Synthetic._make", "movielens.MovieLens._parse"):
        monkeypatch.setattr(f"cfexp.data.{kind}", None)
    monkeypatch.setattr("cfexp.data.tabular.Tabular._parse", None)
    again = [spec.load() for spec in specs]
    for a, b, c in zip(plain, kept, again, strict=True):
        for other in (b, c):
            pd.testing.assert_frame_equal(a.frame, other.frame)
            pd.testing.assert_frame_equal(a.movies, other.movies)
            assert a.fingerprint == other.fingerprint
            fresh = Ratings(a.name, other.frame, other.movies, other.scale)
            assert fresh.fingerprint == a.fingerprint
            assert a.scale == other.scale
            assert a.official_tests.keys() == other.official_tests.keys()
            for fold, rows in a.official_tests.items():
                np.testing.assert_array_equal(rows, other.official_tests[fold])


def test_changed_files_are_parsed_again(
    workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cfexp.data.cache.CACHE_FROM", 1)
    write_tab(workdir / "ml")
    before = movielens_spec(workdir / "ml").load()
    with (workdir / "ml/u.data").open("a") as file:
        file.write("2\t2\t1\t13\n")
    after = movielens_spec(workdir / "ml").load()
    assert len(after.frame) == len(before.frame) + 1
    assert after.fingerprint != before.fingerprint


@pytest.mark.parametrize("n_ratings", [100, 101, 333, 1000, 2000, 5000, 9000])
@pytest.mark.parametrize("given", [{}, {"n_users": 30}, {"n_items": 50}], ids=str)
def test_synthetic_shapes_fit_few_ratings(
    n_ratings: int, given: dict[str, int]
) -> None:
    names = ("n_users", "n_items")
    spec = synthetic(n_ratings, **{**dict.fromkeys(names), **given})
    data = spec.load()
    assert len(data.frame) == n_ratings
    assert given.items() <= dict(zip(names, spec.shape(), strict=True)).items()


def test_synthetic_says_when_it_is_too_dense() -> None:
    with pytest.raises(ConfigError, match="at most a quarter of all pairs"):
        synthetic(10_000)


def movielens_spec(root: Path | None, **changes: object) -> MovieLens:
    values = {"name": "ml-x", "format": "tab", "scale": [1, 5]}
    values |= {"url": "http://127.0.0.1:9/ml.zip", "hash": "sha256:00"}
    values["root"] = None if root is None else str(root)
    return MovieLens(**{**values, **changes})  # type: ignore[arg-type]


def write_tab(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "u.data").write_text("1\t1\t5\t10\n1\t2\t3\t11\n2\t1\t4\t12\n")
    genres = "".join(f"{g}|{i}\n" for i, g in enumerate(["unknown", "Action", "Drama"]))
    (folder / "u.genre").write_text(genres)
    rows = ["1|Amélie (2001)|01|video|url|0|1|1", "2|None (1999)|01|video|url|1|0|0"]
    (folder / "u.item").write_bytes("\n".join(rows).encode("latin-1"))
    (folder / "u1.test").write_text("2\t1\t4\t12\n")


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


def tabular(ratings: Path, movies: Path | None, **changes: object) -> Tabular:
    values = {
        "name": "mine",
        "ratings": str(ratings),
        "movies": None if movies is None else str(movies),
        "separator": ",",
        "encoding": "utf-8",
        "columns": {
            "userId": "user",
            "movieId": "film",
            "rating": "stars",
            "timestamp": "when",
            "title": "name",
            "genres": "kinds",
        },
        "genre_separator": ", ",
        "scale": [1, 5],
        "duplicates": "error",
        "unknown_movies": "keep",
    }
    return Tabular(**{**values, **changes})  # type: ignore[arg-type]


def test_own_files(csv_files: tuple[Path, Path], ratings: Ratings) -> None:
    data = tabular(*csv_files).load()
    assert len(data.frame) == len(ratings.frame)
    assert data.frame["userId"].str.startswith("u").all()
    assert set("|".join(data.movies["genres"]).split("|")) == set(
        "|".join(ratings.movies["genres"]).split("|")
    )


def test_own_parquet_without_movies(csv_files: tuple[Path, Path]) -> None:
    parquet = csv_files[0].with_suffix(".parquet")
    pd.read_csv(csv_files[0]).drop(columns="when").to_parquet(parquet)
    names = {"userId": "user", "movieId": "film", "rating": "stars"}
    data = tabular(parquet, None, scale=None, columns=names).load()
    assert data.scale == (1.0, 5.0)
    assert "timestamp" not in data.frame.columns
    assert data.fingerprint != tabular(*csv_files).load().fingerprint


def test_own_files_errors(csv_files: tuple[Path, Path], workdir: Path) -> None:
    with pytest.raises(DataError, match=r"no file .*rating\.csv \(did you mean rat"):
        tabular(workdir / "rating.csv", None).load()
    bad = workdir / "bad.parquet"
    bad.write_text("this is not Parquet")
    with pytest.raises(DataError, match="cannot be read: Parquet magic"):
        tabular(bad, None).load()
    for scale in ([5, 1], [1], [1, np.inf], [np.nan, 5], [-1e9, 1e9]):
        with pytest.raises(ConfigError, match="scale must be"):
            tabular(*csv_files, scale=scale)
        with pytest.raises(ConfigError, match="scale must be"):
            movielens_spec(None, scale=scale)


@pytest.mark.realdata
def test_real_movielens(composed: Callable[..., DictConfig]) -> None:
    for name, n in (("ml-100k", 100_000), ("ml-latest-small", 100_004)):
        data = build(composed(f"dataset={name}"))["dataset"].load()  # type: ignore[attr-defined]
        assert len(data.frame) == n
