"""Declared features: vocabularies learned from train only, rows' own columns first."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cfexp.data.encoder import FeatureEncoder
from cfexp.data.encoding import Encoded
from cfexp.data.features import Declared, Features
from cfexp.data.learn import vocabulary_of, vocabulary_of_days
from cfexp.data.ratings import Ratings, with_users
from cfexp.errors import ConfigError, DataError

ALL = (
    Declared("user", "age"),
    Declared("user", "town"),
    Declared("item", "genres"),
    Declared("item", "year"),
    Declared("row", "day"),
)


@pytest.fixture(scope="module")
def described(ratings: Ratings) -> Ratings:
    """Ratings with ages and towns of users, and years of movies."""
    rng = np.random.default_rng(0)
    users = pd.DataFrame({"userId": range(1, 101), "age": rng.integers(10, 80, 100)})
    users["town"] = rng.choice(["Rome", "Oslo", "Rome|Oslo", ""], 100)
    year = np.where(np.arange(len(ratings.movies)) % 7, 1990.0, np.nan)
    movies = ratings.movies.assign(year=year)
    return with_users(replace(ratings, movies=movies), users)


def of(encoded: Encoded, name: str) -> list[list[int]]:
    """Returns each row's values of a feature."""
    feature = encoded.features[name]
    rows = feature.values[feature.row].tolist()
    return [[value for value in row if value >= 0] for row in rows]


def test_values_of_test_rows_only_are_unknown(described: Ratings) -> None:
    rare = described.users["userId"] == 100
    town = described.users["town"].where(~rare, "Bern")
    age = described.users["age"].where(~rare, 200)
    data = replace(described, users=described.users.assign(town=town, age=age))
    is_rare = (data.frame["userId"] == 100).to_numpy()
    encoder = FeatureEncoder.fit(data, np.flatnonzero(~is_rare), ALL)
    assert encoder.features["town"].texts == ("Oslo", "Rome")
    assert max(encoder.features["age"].edges) < 80
    rows = encoder.encode(data, np.flatnonzero(is_rare))
    assert (rows.user == 0).all()
    assert of(rows, "town") == [[0]] * is_rare.sum()
    # The tables of all rows are the same, so that folds share a program.
    assert rows.features["town"].table.shape[0] == len(data.users) + 1
    assert encoder.spec.features["town"].rows == 4


def test_texts_may_be_several(described: Ratings) -> None:
    encoder = FeatureEncoder.fit(described, np.arange(3000), ALL)
    known = dict(zip(described.users["userId"], described.users["town"], strict=True))
    rows = np.arange(0, 3000, 100)
    values = {"": [0], "Oslo": [1], "Rome": [2], "Rome|Oslo": [1, 2]}
    expected = [values[known[user]] for user in described.frame["userId"].iloc[rows]]
    assert of(encoder.encode(described, rows), "town") == expected


def test_numbers_are_levels_or_tenths() -> None:
    few = pd.Series([1.0, 2.0, np.nan, 2.5], name="stars")
    levels = vocabulary_of("user", few, few.iloc[:3])
    assert (levels.kind, levels.texts) == ("level", ("1", "2"))
    assert levels.encode(few).toarray().argmax(1).tolist() == [1, 2, 0, 0]
    many = pd.Series(np.arange(100.0), name="age")
    bins = vocabulary_of("user", many, many)
    assert bins.size.width == 11
    index = bins.encode(pd.Series([0, 9, 10, 99, 1000, np.nan]))
    assert index.toarray().argmax(1).tolist() == [1, 1, 2, 10, 10, 0]


def test_days_with_few_ratings_are_one_value() -> None:
    day = 86_400.0
    times = np.repeat([10.0, 11, 12, 13], [30, 5, 20, 5]) * day
    days = vocabulary_of_days(times, times)
    assert days.edges == (11, 13)
    index = days.index(np.array([9, 10, 11, 12, 13, 14, np.nan]))
    assert index.tolist() == [0, 1, 2, 2, 3, 0, 0]


def test_a_rows_own_columns_go_first(described: Ratings) -> None:
    encoder = FeatureEncoder.fit(described, np.arange(3000), ALL)
    user = described.users[described.users["town"] == "Oslo"].iloc[0]
    time = described.frame["timestamp"].iloc[5]
    rows = pd.DataFrame(
        {
            "userId": [user["userId"], user["userId"], 10**9, 10**9],
            "movieId": 10**9,
            "town": ["Rome", None, "Rome", "Bern"],
            "age": ["old", user["age"], None, 30.0],
            "genres": [["Drama", "Comedy"], None, None, "Drama"],
            "timestamp": [time, None, None, time],
        }
    )
    encoded = encoder.transform(rows, described.movies, described.users)
    assert of(encoded, "town") == [[2], [1], [2], [0]]
    assert of(encoded, "age")[0] == of(encoded, "age")[2] == [0]
    texts = encoder.features["genres"].texts
    drama, comedy = texts.index("Drama") + 1, texts.index("Comedy") + 1
    assert of(encoded, "genres") == [sorted([drama, comedy]), [0], [0], [drama]]
    assert of(encoded, "day")[1:3] == [[0], [0]]
    assert of(encoded, "day")[0] == of(encoded, "day")[3] != [0]
    plain = encoder.encode(described, np.array([5]))
    assert of(encoded, "day")[0] == of(plain, "day")[0]


def test_all_takes_columns_that_repeat(described: Ratings) -> None:
    users = described.users.assign(zip=described.users["userId"].astype("str"))
    data = replace(described, users=users)
    found = Features(user="all", item="all", time="day").declared(data)
    assert found == ALL
    assert Features().declared(data) == ()
    assert Features().declared(data, ["genres"]) == (ALL[2],)
    assert Features(item=()).declared(data, ["genres"]) == ()


def test_wrong_features(described: Ratings, ratings: Ratings) -> None:
    with pytest.raises(
        DataError, match=r"no column agee \(did you mean age\?\)\. They"
    ):
        Features(user=("agee",)).declared(described)
    with pytest.raises(DataError, match=r"no column age\. They have none; dataset=csv"):
        Features(user=("age",)).declared(ratings)
    without = replace(described, frame=described.frame.drop(columns="timestamp"))
    with pytest.raises(DataError, match="features.time=day needs timestamps"):
        Features(time="day").declared(without)
    both = replace(described, movies=described.movies.assign(age=3.0))
    with pytest.raises(DataError, match="users and movies both have a column age"):
        Features(user="all", item="all").declared(both)
    for wrong in ({"user": ("day",)}, {"user": ("a", "a")}):
        with pytest.raises(ConfigError, match="user "):
            Features(**wrong)
    with pytest.raises(ConfigError, match="item=a is a column of users too"):
        Features(user=("a",), item=("a",))
    with pytest.raises(ConfigError, match="time"):
        Features(time="hour")  # type: ignore[arg-type]


def test_other_data_without_the_column(
    described: Ratings, ratings: Ratings, caplog: pytest.LogCaptureFixture
) -> None:
    encoder = FeatureEncoder.fit(described, np.arange(3000), ALL)
    rows = encoder.encode(ratings, np.arange(3))
    assert of(rows, "town") == of(rows, "age") == [[0]] * 3
    assert (
        "synthetic has no column town: the model's feature town is unk" in caplog.text
    )
