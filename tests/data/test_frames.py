"""DataFrames of the user's as a dataset."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from cfexp.config.build import build_spec
from cfexp.data.frames import Frames
from cfexp.data.ratings import Ratings
from cfexp.data.tabular import Tabular
from cfexp.errors import CfexpError, DataError

OWN = {"userId": "user", "movieId": "film", "rating": "stars", "timestamp": "when"}
NAMES = {**OWN, "title": "name", "genres": "kinds"}


def test_frames_are_the_files_that_hold_them(csv_files: tuple[Path, Path]) -> None:
    """Also with ids as categories, dates, and lists of genres."""
    options: dict[str, Any] = {"columns": NAMES, "genre_separator": ", "}
    ratings, movies = csv_files
    files = Tabular(ratings=str(ratings), movies=str(movies), **options).load()
    table = pd.read_csv(ratings).set_index("user")
    named = pd.read_csv(movies, keep_default_na=False)
    assert Frames(table, named, **options).load().fingerprint == files.fingerprint
    table["film"] = table["film"].astype("category")
    table["when"] = pd.to_datetime(table["when"], unit="s")
    named["kinds"] = [text.split(", ") for text in named["kinds"]]
    found = Frames(table, named, columns=NAMES).load()
    assert found.fingerprint == files.fingerprint
    assert found.name == "frames"


def test_frames_are_kept_as_they_are(ratings: Ratings) -> None:
    frame = ratings.frame.copy()
    before = frame.copy()
    data = Frames(frame)
    data.load()
    pd.testing.assert_frame_equal(frame, before)
    assert data == data.replace()
    assert data != Frames(frame.head(100))
    last = data.replace(duplicates="last")
    assert last.load().fingerprint == data.load().fingerprint
    assert last != data


@pytest.mark.parametrize(
    ("frame", "options", "said"),
    [
        (
            {"user": [1], "film": [2], "rating": [3.0]},
            {},
            r"the DataFrame of ratings has no column userId, movieId; it has: user,"
            r" film, rating. Did you mean columns=\{'userId': 'user', 'movieId':",
        ),
        (
            {"userId": [1], "x": [2], "rating": [3.0]},
            {},
            r"Name it with columns=\{'movieId': YOUR_NAME\}",
        ),
        (
            {"userId": [1], "movieId": [2], "rating": [3.0]},
            {"columns": {"rating": "stars"}},
            r"columns=\{'rating': 'stars'\}: the DataFrame of ratings has no column",
        ),
        (
            {"userId": [1, 1], "movieId": [2, 2], "rating": [3.0, 4.0]},
            {},
            r"rated more than once.*set duplicates=last or duplicates=mean",
        ),
        (
            {"userId": [1], "movieId": [2], "rating": [9.0]},
            {"scale": (1, 5)},
            r"outside the scale 1 to 5.*set scale",
        ),
        (
            {"userId": [1], "movieId": [2], "rating": [9.0], "timestamp": [None]},
            {},
            r"do not read timestamps: columns=\{'timestamp': None\}",
        ),
    ],
)
def test_messages_name_the_keywords_of_python(
    frame: dict[str, list[Any]], options: dict[str, Any], said: str
) -> None:
    with pytest.raises(DataError, match=said) as caught:
        Frames(pd.DataFrame(frame), **options).load()
    assert "dataset." not in str(caught.value)


def test_only_frames_are_taken(ratings: Ratings) -> None:
    with pytest.raises(CfexpError, match="ratings must be a DataFrame. Got: str"):
        Frames("ratings.csv")  # type: ignore[arg-type]
    with pytest.raises(CfexpError, match="colums is not an option of this dataset"):
        Frames(ratings.frame, colums={})


def test_settings_say_all_but_the_rows(ratings: Ratings) -> None:
    data = Frames(ratings.frame, name="mine", duplicates="mean")
    saved = yaml.safe_load(yaml.safe_dump(data.settings()))
    again = build_spec("dataset", {"_target_": data.target(), **saved})
    assert isinstance(again, Frames)
    assert again.settings() == data.settings()
    with pytest.raises(DataError, match=r"mine: the ratings were a DataFrame.*Python"):
        again.load()


def test_equal_frames_are_checked_once(ratings: Ratings) -> None:
    frame = ratings.frame.copy()
    first = Frames(frame, ratings.movies).load()
    assert Frames(frame.copy(), ratings.movies.copy()).load() is first
    frame.loc[0, "rating"] = 5.0 - frame.loc[0, "rating"] // 2
    changed = Frames(frame, ratings.movies).load()
    assert changed.frame["rating"][0] == frame["rating"][0] != first.frame["rating"][0]
    assert Frames(frame, ratings.movies, duplicates="last").load() is not changed


def test_frame_that_cannot_be_pickled_is_checked(ratings: Ratings) -> None:
    frame = ratings.frame.assign(note=[lambda: 0] * len(ratings.frame))
    data = Frames(frame, ratings.movies).load()
    pd.testing.assert_frame_equal(data.frame, ratings.frame, check_dtype=False)


def test_a_guessed_name_with_blanks_is_one_name() -> None:
    frame = pd.DataFrame({"userId": [1, 2], "the film": [1, 2], "rating": [1, 2]})
    with pytest.raises(DataError, match=r"mean columns=\{'movieId': 'the film'\}\?"):
        Frames(frame).load()
