"""Ratings in canonical form: checks, duplicates, times, fingerprints."""

import numpy as np
import pandas as pd
import pytest

from cfexp.data.checks import require_different_ratings
from cfexp.data.ratings import Ratings, canonical
from cfexp.errors import DataError

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
        ([(np.inf, 1, 3.0, 9)], {}, "t: column userId: inf is not an id"),
        ([(1, [2], 3.0, 9)], {}, r"t: column movieId: \[2\] is not an id"),
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
    with pytest.raises(DataError, match=r"all 3 ratings are 5, .*implicit data"):
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
