"""Splits: disjoint, complete, deterministic, and what each promises."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from small_data import DATA_DIR

import cfexp.data
from cfexp.data.folds import KFold, Official
from cfexp.data.movielens import MovieLens
from cfexp.data.ratings import Ratings
from cfexp.data.split import Split, Splitter
from cfexp.data.splitters import (
    ColdItem,
    ColdUser,
    LeaveLastOut,
    LeaveRandomOut,
    PerUser,
    RandomHoldout,
    Temporal,
)
from cfexp.errors import ConfigError, DataError

SIZES = {"test_size": 0.2, "valid_size": 0.1}
ALL = [
    RandomHoldout(**SIZES),
    PerUser(**SIZES),
    Temporal(**SIZES),
    ColdUser(**SIZES),
    ColdItem(**SIZES),
    LeaveLastOut(k=2),
    LeaveRandomOut(),
    KFold(folds=5, fold=1, valid_size=0.1),
    Official(fold="1", valid_size=0.1),
]


@pytest.fixture
def data(ratings: Ratings) -> Ratings:
    return replace(ratings, official_tests={"1": np.arange(0, 3000, 5)})


def column(data: Ratings, rows: np.ndarray, name: str) -> pd.Series:
    return data.frame[name].iloc[rows]


@pytest.mark.parametrize("splitter", ALL, ids=lambda s: type(s).__name__)
def test_every_split_is_disjoint_complete_and_deterministic(
    data: Ratings, splitter: Splitter
) -> None:
    split = splitter.split(data, seed=3)
    rows = np.concatenate([split.train, split.valid, split.test])
    assert np.array_equal(np.sort(rows), np.arange(len(data.frame)))
    assert min(len(split.train), len(split.valid), len(split.test)) > 0
    again = splitter.split(data, seed=3)
    assert again.fingerprint == split.fingerprint
    assert np.array_equal(again.valid, split.valid)


@pytest.mark.parametrize("splitter", ALL, ids=lambda s: type(s).__name__)
def test_no_split_looks_at_ratings(data: Ratings, splitter: Splitter) -> None:
    split = splitter.split(data, seed=3)
    shuffled = data.frame.assign(rating=data.frame["rating"].to_numpy()[::-1])
    other = splitter.split(replace(data, frame=shuffled), seed=3)
    assert np.array_equal(split.train, other.train)
    assert np.array_equal(split.valid, other.valid)


def test_seed_and_data_shape_the_fingerprint(data: Ratings) -> None:
    splitter = RandomHoldout(**SIZES)
    prints = {splitter.split(data, seed=s).fingerprint for s in range(5)}
    assert len(prints) == 5


def test_sizes(data: Ratings) -> None:
    split = RandomHoldout(**SIZES).split(data, seed=0)
    assert (len(split.test), len(split.valid), len(split.train)) == (600, 240, 2160)


def test_per_user_keeps_each_users_share(data: Ratings) -> None:
    split = PerUser(**SIZES).split(data, seed=0)
    total = data.frame["userId"].value_counts()
    tested = column(data, split.test, "userId").value_counts()
    expected = np.floor(total * 0.2 + 1e-9).astype(int)
    assert tested.reindex(total.index, fill_value=0).equals(expected)


def test_temporal_never_trains_on_the_future(data: Ratings) -> None:
    split = Temporal(**SIZES).split(data, seed=0)
    time = {
        part: column(data, getattr(split, part), "timestamp")
        for part in ("train", "valid", "test")
    }
    assert time["train"].max() <= time["valid"].min()
    assert time["valid"].max() <= time["test"].min()


@pytest.mark.parametrize(
    ("splitter", "name"),
    [(ColdUser(**SIZES), "userId"), (ColdItem(**SIZES), "movieId")],
)
def test_cold_ids_are_in_one_part_only(
    data: Ratings, splitter: Splitter, name: str
) -> None:
    split = splitter.split(data, seed=0)
    ids = [
        set(column(data, rows, name)) for rows in (split.train, split.valid, split.test)
    ]
    assert not ids[0] & ids[1]
    assert not ids[0] & ids[2]
    assert not ids[1] & ids[2]


def test_leave_last_out_takes_the_last_of_each_user(data: Ratings) -> None:
    split = LeaveLastOut(k=2).split(data, seed=0)
    counts = data.frame["userId"].value_counts()
    tested = column(data, split.test, "userId").value_counts()
    assert set(tested) == {2}
    assert set(tested.index) == set(counts.index[counts >= 5])
    latest = data.frame.iloc[split.test].groupby("userId")["timestamp"].min()
    before = data.frame.drop(index=split.test).groupby("userId")["timestamp"].max()
    assert (latest >= before.reindex(latest.index)).all()


def rated_at(times: list[list[int]]) -> Ratings:
    """Returns ratings of movies 0, 1, ... by each user, at the given times."""
    rows = [(u, m, 3.0, t) for u, own in enumerate(times) for m, t in enumerate(own)]
    frame = pd.DataFrame(rows, columns=["userId", "movieId", "rating", "timestamp"])
    return Ratings(
        "t", frame, pd.DataFrame(columns=["movieId", "title", "genres"]), (1, 5)
    )


def test_leave_last_out_breaks_ties_by_seed() -> None:
    data = rated_at([[1, 1, 9, 9, 9, 9]] * 300)
    one, again, other = (LeaveLastOut(k=1).split(data, seed=s) for s in (0, 0, 1))
    for part in ("test", "valid"):
        counts = column(data, getattr(one, part), "movieId").value_counts()
        assert set(counts.index) == {2, 3, 4, 5}
        assert counts.min() > 40  # 75 of 300 each, where chance decides
    assert again.fingerprint == one.fingerprint != other.fingerprint


def test_leave_last_out_tells_nanoseconds_apart() -> None:
    start = 1_700_000_000 * 10**9
    data = rated_at([[start, start + 2, start + 1]] * 100)
    split = LeaveLastOut(k=1).split(data, seed=0)
    assert set(column(data, split.test, "movieId")) == {1}
    assert set(column(data, split.valid, "movieId")) == {2}


def test_leave_last_out_keeps_users_of_few_ratings_whole() -> None:
    data = rated_at([[1], [1, 2], [1, 2, 3, 4], [1, 2, 3, 4, 5]] * 10)
    split = LeaveLastOut(k=2).split(data, seed=0)
    for part in (split.test, split.valid):
        assert set(column(data, part, "userId") % 4) == {3}
    assert set(column(data, split.test, "timestamp")) == {4, 5}
    assert set(column(data, split.valid, "timestamp")) == {2, 3}


def test_leave_random_out_takes_some_of_each_user_whenever_rated() -> None:
    data = rated_at([[1, 2, 3, 4, 5, 6]] * 300 + [[1, 2]])
    one, other = (LeaveRandomOut().split(data, seed=s) for s in (0, 1))
    for part in (one.test, one.valid):
        assert sorted(column(data, part, "userId")) == list(range(300))
        counts = column(data, part, "timestamp").value_counts()
        assert set(counts.index) == {1, 2, 3, 4, 5, 6}
        assert counts.min() > 25  # 50 of 300 each, where chance decides
    assert one.fingerprint != other.fingerprint
    two = LeaveRandomOut(k=2).split(data, seed=0)
    assert set(column(data, two.test, "userId").value_counts()) == {2}
    timeless = replace(data, frame=data.frame.drop(columns="timestamp"))
    again = LeaveRandomOut().split(timeless, seed=0)
    assert np.array_equal(again.test, one.test)


def test_a_fold_of_a_few_rows_is_no_test(
    data: Ratings, caplog: pytest.LogCaptureFixture
) -> None:
    def folds(n: int) -> Split:
        return KFold(folds=n, fold=0, valid_size=0.1).split(data, seed=0)

    with pytest.raises(DataError, match=r"fewer than 10 of .* Set .* at most 300"):
        folds(301)
    assert not caplog.records
    assert len(folds(300).test) == 10
    assert "only 10 test rows" in caplog.text


def test_folds_share_no_test_row_and_cover_all(data: Ratings) -> None:
    tests = [
        KFold(folds=5, fold=i, valid_size=0.1).split(data, seed=0).test
        for i in range(5)
    ]
    assert np.array_equal(np.sort(np.concatenate(tests)), np.arange(len(data.frame)))


def test_official_fold_is_as_published(data: Ratings) -> None:
    split = Official(fold="1", valid_size=0.1).split(data, seed=0)
    assert np.array_equal(split.test, data.official_tests["1"])


def test_errors(data: Ratings) -> None:
    with pytest.raises(ConfigError, match="fold must be below folds=5. Got: 5"):
        KFold(folds=5, fold=5, valid_size=0.1)
    with pytest.raises(ConfigError, match="test_size must be > 0 and < 1. Got: 1.5"):
        RandomHoldout(test_size=1.5, valid_size=0.1)
    with pytest.raises(DataError, match="no official fold '7'; its folds: 1"):
        Official(fold="7", valid_size=0.1).split(data, seed=0)
    timeless = replace(data, frame=data.frame.drop(columns="timestamp"))
    with pytest.raises(DataError, match="needs a timestamp column"):
        Temporal(**SIZES).split(timeless, seed=0)
    few = replace(data, frame=data.frame.head(4))
    with pytest.raises(DataError, match="leaves no valid rows"):
        RandomHoldout(test_size=0.5, valid_size=0.1).split(few, seed=0)
    with pytest.raises(DataError, match="leaves no test rows"):
        LeaveLastOut(k=500).split(data, seed=0)


def ml_100k() -> Ratings:
    root = Path(DATA_DIR) / "ml-100k"
    return MovieLens(
        name="ml-100k", format="tab", scale=[1, 5], url="", hash="", root=str(root)
    ).load()


@pytest.mark.realdata
def test_leave_last_out_of_ml_100k() -> None:
    """415 of 943 users rated several movies in their last second."""
    data = ml_100k()
    last = data.frame.groupby("userId")["timestamp"].transform("max")
    ties = data.frame[data.frame["timestamp"] == last].groupby("userId")["movieId"]
    ties = ties.agg(["size", "min"])[lambda t: t["size"] > 1]
    assert len(ties) == 415
    split = LeaveLastOut(k=1).split(data, seed=0)
    tested = data.frame.iloc[split.test].set_index("userId")["movieId"]
    lowest = (tested[ties.index] == ties["min"]).sum()
    assert lowest < 1.3 * (1 / ties["size"]).sum()  # as many as chance makes so


@pytest.mark.realdata
def test_official_folds_of_ml_100k() -> None:
    root, data = Path(DATA_DIR) / "ml-100k", ml_100k()
    tests = [data.official_tests[str(i)] for i in range(1, 6)]
    assert [len(t) for t in tests] == [20_000] * 5
    assert np.array_equal(np.sort(np.concatenate(tests)), np.arange(100_000))
    published = pd.read_csv(root / "u1.test", sep="\t", header=None)
    ours = data.frame.iloc[tests[0]]
    assert set(
        zip(ours["userId"], ours["movieId"], ours["rating"], strict=True)
    ) == set(zip(published[0], published[1], published[2], strict=True))


def test_splits_are_called_as_their_options() -> None:
    """Users know the option, not the class."""
    files = (Path(__file__).parents[2] / "conf/split").glob("*.yaml")
    for file in files:
        target = yaml.safe_load(file.read_text())["_target_"]
        assert getattr(cfexp.data, target.rpartition(".")[2]).name == file.stem

    class MyOwn(RandomHoldout):
        pass

    assert MyOwn.name == "my_own"
