"""Encoders: fitted on train only, unknown ids at 0, saved and loaded."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cfexp.data.encoder import FeatureEncoder
from cfexp.data.encoding import Encoded
from cfexp.data.features import Declared
from cfexp.data.ratings import ITEM, TIMESTAMP, USER, Ratings

GENRES = (Declared("item", "genres"),)


@pytest.fixture
def encoder(ratings: Ratings) -> FeatureEncoder:
    return FeatureEncoder.fit(ratings, np.arange(0, 1500), GENRES)


def multi_hot(encoded: Encoded, name: str = "genres") -> np.ndarray:
    feature = encoded.features[name]
    return feature.table.toarray()[feature.row]


def test_fitted_on_train_only(ratings: Ratings, encoder: FeatureEncoder) -> None:
    train, rest = ratings.frame.iloc[:1500], ratings.frame.iloc[1500:]
    assert set(encoder.users) == set(train["userId"])
    assert set(encoder.items) == set(train["movieId"])
    assert encoder.spec.mean_rating == pytest.approx(train["rating"].mean())
    counts = train["userId"].value_counts()
    assert dict(zip(encoder.users, encoder.user_counts, strict=True)) == dict(counts)
    new = rest[~rest["userId"].isin(train["userId"])]
    assert len(new)
    encoded = encoder.transform(new, ratings.movies)
    assert (encoded.user == 0).all()
    seen = encoder.times_seen(encoded)
    assert (seen["user"] == 0).all()
    assert (seen["item"] == new["movieId"].map(train["movieId"].value_counts())).any()


def test_genres_of_untrained_movies_are_unknown(ratings: Ratings) -> None:
    movies = ratings.movies.copy()
    rare = movies.index[movies["movieId"] == ratings.frame["movieId"].iloc[-1]]
    movies.loc[rare, "genres"] = "Rare"
    rows = ratings.frame.index[
        ratings.frame["movieId"] != movies.loc[rare[0], "movieId"]
    ]
    data = Ratings("t", ratings.frame, movies, ratings.scale)
    encoder = FeatureEncoder.fit(data, rows.to_numpy(), GENRES)
    assert "Rare" not in encoder.features["genres"].texts
    encoded = encoder.transform(
        pd.DataFrame({"userId": [1, 1], "movieId": [1, 1], "genres": ["Rare", ""]}),
        movies,
    )
    assert multi_hot(encoded)[:, 0].tolist() == [1, 1]
    assert multi_hot(encoded).sum() == 2


def test_indices_and_genres(ratings: Ratings, encoder: FeatureEncoder) -> None:
    rows = ratings.frame.iloc[:1500]
    encoded = encoder.transform(rows, ratings.movies)
    assert encoded.user.min() == 1
    assert encoded.user.max() == encoder.spec.n_users - 1
    assert np.array_equal(encoder.users[encoded.user - 1], rows["userId"])
    assert np.array_equal(encoder.items[encoded.item - 1], rows["movieId"])
    names = ["", *encoder.features["genres"].texts]
    said = [
        "|".join(names[i] for i in np.flatnonzero(row)) for row in multi_hot(encoded)
    ]
    known = ratings.movies.set_index("movieId")["genres"]
    assert said == rows["movieId"].map(known).tolist()


def test_a_rows_own_genres_go_first(ratings: Ratings, encoder: FeatureEncoder) -> None:
    rows = pd.DataFrame(
        {
            "userId": [1],
            "movieId": [10**9],
            "genres": [encoder.features["genres"].texts[2]],
        }
    )
    encoded = encoder.transform(rows, ratings.movies)
    assert encoded.item.tolist() == [0]
    assert np.flatnonzero(multi_hot(encoded)[0]).tolist() == [3]
    assert np.isnan(encoded.rating).all()


@pytest.mark.parametrize("ids", [[1, 2], ["1", "2"], [1.0, 2.0]])
def test_integer_ids_in_any_form(
    ratings: Ratings, encoder: FeatureEncoder, ids: list[object]
) -> None:
    rows = pd.DataFrame({"userId": ids, "movieId": ids})
    want = pd.DataFrame({"userId": [1, 2], "movieId": [1, 2]})
    got = encoder.transform(rows, ratings.movies)
    assert np.array_equal(got.user, encoder.transform(want, ratings.movies).user)
    assert got.user.min() > 0


def test_string_ids(ratings: Ratings) -> None:
    frame = ratings.frame.astype({"userId": "str", "movieId": "str"})
    movies = ratings.movies.astype({"movieId": "str"})
    data = Ratings("t", frame, movies, ratings.scale)
    encoder = FeatureEncoder.fit(data, np.arange(3000))
    encoded = encoder.transform(
        pd.DataFrame({"userId": ["1", "x"], "movieId": ["2", "y"]}), movies
    )
    assert encoded.user[0] > 0
    assert encoded.user[1] == encoded.item[1] == 0


def test_save_and_load(
    ratings: Ratings, encoder: FeatureEncoder, tmp_path: Path
) -> None:
    encoder.save(tmp_path / "encoder.json")
    again = FeatureEncoder.load(tmp_path / "encoder.json")
    assert again.spec == encoder.spec
    one = encoder.transform(ratings.frame, ratings.movies)
    other = again.transform(ratings.frame, ratings.movies)
    for name in ("user", "item"):
        assert np.array_equal(getattr(one, name), getattr(other, name))
    assert np.array_equal(multi_hot(one), multi_hot(other))


def test_a_column_of_two_features_is_described_once(ratings: Ratings) -> None:
    """As an ensemble has that of two members which know the day."""
    rows = np.arange(len(ratings.frame))
    one = FeatureEncoder.fit(ratings, rows, (Declared("row", "day"),))
    (day,) = one.features.values()
    both = replace(one, features={"0:day": day, "1:day": day})
    tables = ratings.movies, ratings.users
    found = both.described(ratings.frame.head(3), *tables)
    assert list(found) == [USER, ITEM, TIMESTAMP]
    assert both.transform(found, *tables).features["1:day"].of == "row"
