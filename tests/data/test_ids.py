"""Ids are numbers or text, however they are written, in every version of pandas."""

import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cfexp.data.encoder import FeatureEncoder, encode
from cfexp.data.features import Declared
from cfexp.data.ids import as_ids, did_you_mean_id, equal_to, positions
from cfexp.data.lookup import genres_of
from cfexp.data.ratings import Ratings, canonical
from cfexp.errors import DataError
from cfexp.models.bias import Bias
from cfexp.models.known import KnownPairs
from cfexp.models.origin import Origin
from cfexp.models.predictor import Predictor
from cfexp.models.trained_on import TrainedOn, fit_baselines
from cfexp.runs.predict import predict_file
from cfexp.runs.recommend import Wanted, recommend_to

BIG = 2**63 + 1


@pytest.mark.parametrize(
    ("written", "ids"),
    [
        ([3, 1], [3, 1]),
        ([3.0, 1.0], [3, 1]),
        (["3", "1.0", " 1"], [3, 1, 1]),
        (["-7", "0"], [-7, 0]),
        (["3", "abc", "1.0"], ["3", "abc", "1"]),
        (["3", "003"], ["3", "003"]),
        (["3", "3.5", "1e2"], ["3", "3.5", "1e2"]),
        ([1, "abc", 2.0], ["1", "abc", "2"]),
        (np.array([BIG, 1], np.uint64), [str(BIG), "1"]),
        ([str(10**22), str(10**22 + 1)], [str(10**22), str(10**22 + 1)]),
        (pd.Series(["b", "a"], dtype="category"), ["b", "a"]),
        (pd.Series([2, 1], dtype="Int64"), [2, 1]),
    ],
    ids=str,
)
def test_canonical_ids(written: object, ids: list[object]) -> None:
    column = as_ids(pd.Series(written))
    assert column.tolist() == ids
    assert pd.api.types.is_integer_dtype(column) == isinstance(ids[0], int)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ([1.0, 1e300], "1e.300 is too large to be exact"),
        (["1", "1e300"], "1e300 is too large to be exact"),
        ([1.0, np.inf], "inf is not an id"),
        (["1", "-inf"], "-inf is not an id"),
        ([2.0**53 + 2], "is too large to be exact"),
        (["a", " "], "a blank text is not an id"),
        ([[1], [2]], r"\[1\] is not an id: ids are whole numbers or text"),
        ([datetime.date(2020, 1, 1)], "2020-01-01 is not an id"),
        (pd.to_datetime(["2020-01-01"]), "2020-01-01 00:00:00 is not an id"),
    ],
    ids=str,
)
def test_what_is_not_an_id(written: object, message: str) -> None:
    with pytest.raises(DataError, match=f"column x: .*{message}"):
        as_ids(pd.Series(written, name="x"))


def test_positions_of_ids_in_any_form() -> None:
    numbers, texts = pd.Series([-1, 3, 7]), pd.Series(["-1", "3", "x"])
    for ids, found in [
        ([3, 5], [1, -1]),
        ([3.0, np.nan], [1, -1]),
        (["3", " 3.0", "abc", None], [1, 1, -1, -1]),
        (np.array([3, BIG], np.uint64), [1, -1]),
        ([np.inf, 3.5], [-1, -1]),
    ]:
        assert positions(pd.Series(ids), numbers).tolist() == found
        assert positions(pd.Series(ids), texts).tolist() == found
    assert positions(pd.Series(["x", "y"]), texts).tolist() == [2, -1]
    assert positions(pd.Series([], dtype=object), texts).tolist() == []
    assert positions(pd.Series([3]), texts.head(0)).tolist() == [-1]


def test_equal_to_an_id_as_a_user_types_it() -> None:
    for column in (pd.Series([3, 7]), pd.Series(["3", "x"])):
        for typed in ("3", "3.0", 3):
            assert equal_to(column, typed).tolist() == [True, False]
        assert not equal_to(column, str(10**30)).any()
    assert equal_to(pd.Series(["3", "x"]), "x").tolist() == [False, True]


@pytest.mark.parametrize(
    ("value", "known", "said"),
    [
        (133093, ["x", "0133093"], " (did you mean 0133093?)"),
        ("0133093", [7, 133093], " (did you mean 133093?)"),
        ("00x", ["x"], " (did you mean x?)"),
        ("133093", ["1330930", "y"], ""),
        ("y", [3], ""),
    ],
)
def test_zeros_in_front_of_an_id(value: object, known: list[object], said: str) -> None:
    assert did_you_mean_id(value, pd.Series(known)) == said


def ratings_of(movies: list[object], users: list[object]) -> Ratings:
    """Returns three ratings by each user, each of other movies."""
    rows = [
        (user, movies[(place + k) % len(movies)], 1.0 + (place + k) % 5)
        for place, user in enumerate(users)
        for k in range(3)
    ]
    frame = pd.DataFrame(rows, columns=["userId", "movieId", "rating"])
    # Numbers and a text in one column, as a reader of a CSV hands them on.
    table = pd.DataFrame({"movieId": [*map(str, movies), "x41"]})
    table["genres"] = [["Drama", np.nan, "War"][i % 3] for i in range(len(table))]
    return canonical("t", frame, table, scale=(1, 5))


def predictor_of(ratings: Ratings, folder: Path) -> Predictor:
    """Returns a bias model of all ratings, saved and loaded again."""
    rows = np.arange(len(ratings.frame))
    encoder = FeatureEncoder.fit(ratings, rows)
    model = Bias(reg_user=1.0, reg_item=1.0, iterations=5)
    Predictor(
        encoder=encoder,
        scorer=model.fit(encode(ratings, encoder, rows), encoder.spec),
        movies=ratings.movies,
        users=ratings.users,
        origin=Origin("bias", "t", ratings.fingerprint, "", {}, ""),
        load_trained_on=lambda: TrainedOn(
            KnownPairs.of(ratings, rows, rows), fit_baselines(ratings, rows)
        ),
    ).save(folder)
    return Predictor.load(folder)


@pytest.mark.parametrize("user", [1, "u1"])
def test_numbers_beside_one_text_id(
    user: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Numeric ids in the ratings, one text id among the movies: still the same ids."""
    users = [user, *range(2, 12)]
    data = ratings_of(list(range(1, 11)), users)
    assert data.movies["movieId"].tolist() == sorted([*map(str, range(1, 11)), "x41"])
    assert data.frame["movieId"].map(type).eq(str).all()
    predictor = predictor_of(data, tmp_path / "model")
    pairs = data.frame[["userId", "movieId"]]
    expected = predictor.predict(pairs)
    assert expected.std() > 0.1
    as_numbers = pairs.assign(movieId=pairs["movieId"].astype("int64"))
    np.testing.assert_array_equal(predictor.predict(as_numbers), expected)
    as_floats = pairs.assign(movieId=pairs["movieId"].astype("float64"))
    np.testing.assert_array_equal(predictor.predict(as_floats), expected)
    known = predictor.trained_on.known
    for form in (pairs, as_numbers, as_floats):
        assert known.among(form, trained_only=True).all()

    top = recommend_to(predictor, data, Wanted(str(user), k=99))
    assert set(top["movieId"].astype(int)) == set(range(4, 11))  # 1, 2 and 3 are rated
    pairs.to_csv(tmp_path / "pairs.csv", index=False)
    output = tmp_path / "out.csv"
    predict_file(predictor, pairs=str(tmp_path / "pairs.csv"), output=output)
    written = pd.read_csv(output)
    np.testing.assert_allclose(written["predicted"], expected)
    assert "nan" not in capsys.readouterr().out
    pairs.assign(twice=1, other=1).to_csv(tmp_path / "pairs.csv", index=False)
    text = (tmp_path / "pairs.csv").read_text().replace("other", "twice")
    (tmp_path / "pairs.csv").write_text(text)
    with pytest.raises(DataError, match=r"pairs.csv has 2 columns twice: which"):
        predict_file(predictor, pairs=str(tmp_path / "pairs.csv"), output=output)


def test_movies_without_genres_have_none(tmp_path: Path) -> None:
    data = ratings_of(["a", "b", "c", "d"], [1, 2, 3, 4])
    assert data.movies.set_index("movieId")["genres"].to_dict() == {
        "a": "Drama",
        "b": "",
        "c": "War",
        "d": "Drama",
        "x41": "",
    }
    genres = (Declared("item", "genres"),)
    encoder = FeatureEncoder.fit(data, np.arange(len(data.frame)), genres)
    assert encoder.features["genres"].texts == ("Drama", "War")
    rows = pd.DataFrame({"movieId": ["a", "b", "z"], "genres": [None, "War", np.nan]})
    assert genres_of(rows, data.movies).tolist() == ["Drama", "War", ""]
    bare = rows.assign(genres=[np.nan] * 3)
    assert genres_of(bare, data.movies).tolist() == ["Drama", "", ""]


def test_fingerprints_are_the_same_in_every_pandas() -> None:
    data = ratings_of(["a", "b", "c", "d"], ["u1", 2, 3.0])
    assert data.frame["userId"].unique().tolist() == ["2", "3", "u1"]
    assert data.fingerprint[:16] == "41620ff880d738ee"


def test_texts_cannot_pass_for_others_in_the_fingerprint() -> None:
    def of(titles: list[str]) -> str:
        frame = pd.DataFrame({"userId": [1], "movieId": [1], "rating": [3.0]})
        movies = pd.DataFrame({"movieId": [1, 2], "title": titles})
        return canonical("t", frame, movies, scale=(1, 5)).fingerprint

    assert of(["x\x1fy", "z"]) != of(["x", "y\x1fz"])
    assert of(["xy", "z"]) != of(["x", "yz"])
    assert of(["a", ""]) != of(["", "a"])
