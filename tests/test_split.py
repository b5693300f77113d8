"""Splits: disjoint, complete, deterministic, and what each promises."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cfexp import split as splits
from cfexp.data.ratings import Ratings
from cfexp.errors import ConfigError, DataError

SIZES = {"test_size": 0.2, "valid_size": 0.1}
ALL = [
    splits.RandomHoldout(**SIZES),
    splits.PerUser(**SIZES),
    splits.Temporal(**SIZES),
    splits.ColdUser(**SIZES),
    splits.ColdItem(**SIZES),
    splits.LeaveLastOut(k=2),
    splits.KFold(folds=5, fold=1, valid_size=0.1),
    splits.Official(fold="1", valid_size=0.1),
]


@pytest.fixture
def data(ratings: Ratings) -> Ratings:
    return replace(ratings, official_tests={"1": np.arange(0, 3000, 5)})


def column(data: Ratings, rows: np.ndarray, name: str) -> pd.Series:
    return data.frame[name].iloc[rows]


@pytest.mark.parametrize("splitter", ALL, ids=lambda s: type(s).__name__)
def test_every_split_is_disjoint_complete_and_deterministic(
    data: Ratings, splitter: splits.Splitter
) -> None:
    split = splitter.split(data, seed=3)
    rows = np.concatenate([split.train, split.valid, split.test])
    assert np.array_equal(np.sort(rows), np.arange(len(data.frame)))
    assert min(len(split.train), len(split.valid), len(split.test)) > 0
    again = splitter.split(data, seed=3)
    assert again.fingerprint == split.fingerprint
    assert np.array_equal(again.valid, split.valid)


@pytest.mark.parametrize("splitter", ALL, ids=lambda s: type(s).__name__)
def test_no_split_looks_at_ratings(data: Ratings, splitter: splits.Splitter) -> None:
    split = splitter.split(data, seed=3)
    shuffled = data.frame.assign(rating=data.frame["rating"].to_numpy()[::-1])
    other = splitter.split(replace(data, frame=shuffled), seed=3)
    assert np.array_equal(split.train, other.train)
    assert np.array_equal(split.valid, other.valid)


def test_seed_and_data_shape_the_fingerprint(data: Ratings) -> None:
    splitter = splits.RandomHoldout(**SIZES)
    prints = {splitter.split(data, seed=s).fingerprint for s in range(5)}
    assert len(prints) == 5


def test_sizes(data: Ratings) -> None:
    split = splits.RandomHoldout(**SIZES).split(data, seed=0)
    assert (len(split.test), len(split.valid), len(split.train)) == (600, 240, 2160)


def test_per_user_keeps_each_users_share(data: Ratings) -> None:
    split = splits.PerUser(**SIZES).split(data, seed=0)
    total = data.frame["userId"].value_counts()
    tested = column(data, split.test, "userId").value_counts()
    expected = np.floor(total * 0.2 + 1e-9).astype(int)
    assert tested.reindex(total.index, fill_value=0).equals(expected)


def test_temporal_never_trains_on_the_future(data: Ratings) -> None:
    split = splits.Temporal(**SIZES).split(data, seed=0)
    time = {
        part: column(data, getattr(split, part), "timestamp")
        for part in ("train", "valid", "test")
    }
    assert time["train"].max() <= time["valid"].min()
    assert time["valid"].max() <= time["test"].min()


@pytest.mark.parametrize(
    ("splitter", "name"),
    [(splits.ColdUser(**SIZES), "userId"), (splits.ColdItem(**SIZES), "movieId")],
)
def test_cold_ids_are_in_one_part_only(
    data: Ratings, splitter: splits.Splitter, name: str
) -> None:
    split = splitter.split(data, seed=0)
    ids = [
        set(column(data, rows, name)) for rows in (split.train, split.valid, split.test)
    ]
    assert not ids[0] & ids[1]
    assert not ids[0] & ids[2]
    assert not ids[1] & ids[2]


def test_leave_last_out_takes_the_last_of_each_user(data: Ratings) -> None:
    split = splits.LeaveLastOut(k=2).split(data, seed=0)
    counts = data.frame["userId"].value_counts()
    tested = column(data, split.test, "userId").value_counts()
    assert set(tested) == {2}
    assert set(tested.index) == set(counts.index[counts >= 5])
    latest = data.frame.iloc[split.test].groupby("userId")["timestamp"].min()
    before = data.frame.drop(index=split.test).groupby("userId")["timestamp"].max()
    assert (latest >= before.reindex(latest.index)).all()


def test_folds_share_no_test_row_and_cover_all(data: Ratings) -> None:
    tests = [
        splits.KFold(folds=5, fold=i, valid_size=0.1).split(data, seed=0).test
        for i in range(5)
    ]
    assert np.array_equal(np.sort(np.concatenate(tests)), np.arange(len(data.frame)))


def test_official_fold_is_as_published(data: Ratings) -> None:
    split = splits.Official(fold="1", valid_size=0.1).split(data, seed=0)
    assert np.array_equal(split.test, data.official_tests["1"])


def test_errors(data: Ratings) -> None:
    with pytest.raises(ConfigError, match="fold must be below folds=5. Got: 5"):
        splits.KFold(folds=5, fold=5, valid_size=0.1)
    with pytest.raises(ConfigError, match="test_size must be > 0 and < 1. Got: 1.5"):
        splits.RandomHoldout(test_size=1.5, valid_size=0.1)
    with pytest.raises(DataError, match="no official fold '7'; it has: 1"):
        splits.Official(fold="7", valid_size=0.1).split(data, seed=0)
    timeless = replace(data, frame=data.frame.drop(columns="timestamp"))
    with pytest.raises(DataError, match="needs a timestamp column"):
        splits.Temporal(**SIZES).split(timeless, seed=0)
    few = replace(data, frame=data.frame.head(4))
    with pytest.raises(DataError, match="leaves no valid rows"):
        splits.RandomHoldout(test_size=0.5, valid_size=0.1).split(few, seed=0)
    with pytest.raises(DataError, match="leaves no test rows"):
        splits.LeaveLastOut(k=500).split(data, seed=0)


@pytest.mark.realdata
def test_official_folds_of_ml_100k() -> None:
    from pathlib import Path

    from conftest import DATA_DIR

    from cfexp.data.movielens import MovieLens

    root = Path(DATA_DIR) / "ml-100k"
    data = MovieLens(
        name="ml-100k", format="tab", scale=[1, 5], url="", hash="", root=str(root)
    ).load()
    tests = [data.official_tests[str(i)] for i in range(1, 6)]
    assert [len(t) for t in tests] == [20_000] * 5
    assert np.array_equal(np.sort(np.concatenate(tests)), np.arange(100_000))
    published = pd.read_csv(root / "u1.test", sep="\t", header=None)
    ours = data.frame.iloc[tests[0]]
    assert set(
        zip(ours["userId"], ours["movieId"], ours["rating"], strict=True)
    ) == set(zip(published[0], published[1], published[2], strict=True))
