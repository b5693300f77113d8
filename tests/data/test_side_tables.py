"""Further columns of movies and users: their form, fingerprints and files."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from small_data import movielens_spec, tabular, write_tab

from cfexp.data.frames import Frames
from cfexp.data.ratings import Ratings, canonical, with_users
from cfexp.data.splitters import RandomHoldout
from cfexp.errors import DataError

ROWS = pd.DataFrame(
    [(2, 1, 4.0, 7), (1, 3, 3.0, 6), (1, 2, 5.0, 5)],
    columns=["userId", "movieId", "rating", "timestamp"],
)
MOVIES = pd.DataFrame(
    {"movieId": [1, 2, 3], "title": ["A", "B", "C"], "genres": ["X|Y", "", None]}
)
USERS = pd.DataFrame(
    {
        "userId": [2, 1],
        "age": [30, None],
        "likes": [" tea | cake", ["tea"]],
        "paying": [True, False],
    }
)
# Of these tables, in the version that read no further columns.
BEFORE = "912f1d968c09916f0eb418e689a2ac544eef2d5b242dd320a5072ef0e46c339d"


def data(movies: pd.DataFrame = MOVIES, users: pd.DataFrame | None = None) -> Ratings:
    found = canonical("t", ROWS, movies, scale=(1, 5))
    return found if users is None else with_users(found, users)


def test_users_are_numbers_or_texts() -> None:
    users = data(users=USERS).users
    assert users["userId"].tolist() == [1, 2]
    assert np.isnan(users["age"][0])
    assert users["age"][1] == 30
    assert users["likes"].tolist() == ["tea", "tea|cake"]
    assert users["paying"].tolist() == ["False", "True"]
    assert data().users.columns.tolist() == ["userId"]
    assert not len(data().users)


def test_fingerprint_sees_further_columns_only_where_there_are_some() -> None:
    assert data().fingerprint == data().rated_fingerprint == BEFORE
    only_ids = USERS[["userId"]]
    years = MOVIES.assign(year=[1990, 1991, np.nan])
    changed = [data(users=USERS), data(users=USERS.assign(age=31)), data(movies=years)]
    assert len({BEFORE, *(each.fingerprint for each in changed)}) == 4
    assert {each.rated_fingerprint for each in changed} == {BEFORE}
    assert data(users=only_ids).fingerprint == BEFORE


def test_split_has_one_name_with_and_without_users(ratings: Ratings) -> None:
    users = pd.DataFrame({"userId": range(100), "age": range(100)})
    more = Frames(ratings.frame, ratings.movies, users, scale=ratings.scale).load()
    assert more.fingerprint != ratings.fingerprint
    splits = [RandomHoldout().split(each, seed=0) for each in (ratings, more)]
    assert splits[0].fingerprint == splits[1].fingerprint


def test_bad_users(caplog: pytest.LogCaptureFixture) -> None:
    twice = pd.concat([USERS, USERS])
    with pytest.raises(DataError, match="2 users appear more than once in the users"):
        data(users=twice)
    with pytest.raises(DataError, match="the users table has no column userId"):
        data(users=USERS.rename(columns={"userId": "user"}))
    with pytest.raises(DataError, match="userId of the users table has 1 missing"):
        data(users=USERS.assign(userId=[1, None]))
    with pytest.raises(DataError, match="users table has 2 columns age"):
        data(users=USERS.set_axis(["userId", "age", "age", "paying"], axis=1))
    data(users=USERS.head(1))
    assert "1 users with ratings are not in the users table" in caplog.text


def test_ids_of_users_may_be_text() -> None:
    found = data(users=pd.DataFrame({"userId": ["1", "x"], "age": [1, 2]}))
    assert found.users["userId"].tolist() == ["1", "x"]
    assert found.frame["userId"].tolist() == ["1", "1", "2"]


def test_movies_of_no_table_have_empty_columns() -> None:
    some = MOVIES.assign(year=[1990, 1991, 1992], tag=["a", "b", "c"]).head(2)
    movies = data(movies=some).movies
    assert movies["tag"].tolist() == ["a", "b", ""]
    assert np.isnan(movies["year"][2])


def test_own_files_of_users(csv_files: tuple[Path, Path], workdir: Path) -> None:
    path = workdir / "users.csv"
    path.write_text("user,age,town\nu1,30,Rome\nu2,,Oslo\n")
    found = tabular(*csv_files, users=str(path)).load()
    assert found.users.columns.tolist() == ["userId", "age", "town"]
    assert found.users["town"].tolist() == ["Rome", "Oslo"]
    path.write_text("id,age\nu1,30\n")
    assert tabular(*csv_files, users=str(path)).load().users["age"].tolist() == [30]
    path.write_text("nr,age\nu1,30\n")
    with pytest.raises(DataError, match=r"userId=user: dataset.users=.*no column"):
        tabular(*csv_files, users=str(path)).load()


def test_further_columns_of_own_movies(csv_files: tuple[Path, Path]) -> None:
    movies = pd.read_csv(csv_files[1]).assign(year=1999, title="not the mapped one")
    movies.to_csv(csv_files[1], index=False)
    found = tabular(*csv_files).load().movies
    assert found.columns.tolist() == ["movieId", "title", "genres", "year"]
    assert found["title"].str.startswith("Movie").all()


def test_movielens_users_and_years(tmp_path: Path) -> None:
    write_tab(tmp_path / "tab")
    (tmp_path / "tab/u.user").write_text("1|24|M|writer|05711\n2|53|F|other|V1X\n")
    found = movielens_spec(tmp_path / "tab").load()
    assert found.users["zip"].tolist() == ["05711", "V1X"]
    assert found.users["region"].tolist() == ["0", "abroad"]
    assert found.users["age"].tolist() == [24, 53]
    dat = tmp_path / "dat"
    dat.mkdir()
    (dat / "ratings.dat").write_text("1::1::4::10\n2::1::3::11\n")
    (dat / "movies.dat").write_text("1::Heat (1995)::Crime\n2::Untitled::Crime\n")
    (dat / "users.dat").write_text("1::F::1::10::48067\n2::M::56::16::70072\n")
    found = movielens_spec(dat, format="dat").load()
    assert found.users["occupation"].tolist() == ["K-12 student", "self-employed"]
    assert found.movies["year"].fillna(0).tolist() == [1995, 0]


@pytest.mark.realdata
def test_real_movielens_have_users_and_years() -> None:
    from cfexp.data.movielens import MovieLens

    for name, columns in (("ml-100k", 5), ("ml-1m", 5)):
        found = MovieLens(name).load()
        assert len(found.users.columns) == columns + 1
        assert set(found.users["userId"]) == set(found.frame["userId"])
        assert found.movies["year"].between(1919, 2000).sum() >= 1681
