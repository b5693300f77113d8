"""Tables completed with what a trained model knows."""

import numpy as np
import pandas as pd
import pytest

from cfexp.data.complete import completed
from cfexp.data.side_tables import NO_USERS

KNOWN = pd.DataFrame({"userId": [1, 2, 4], "town": ["Rome", "", "Oslo"]})
KNOWN["age"] = [30.0, 40.0, np.nan]


def test_rows_and_values_that_are_missing_are_added() -> None:
    own = pd.DataFrame({"userId": [2, 3, 4], "town": ["Bern", "Rome", ""], "n": 7.0})
    found = completed(own, KNOWN)
    assert found["userId"].tolist() == [1, 2, 3, 4]
    assert found["town"].tolist() == ["Rome", "Bern", "Rome", "Oslo"]
    pd.testing.assert_series_equal(
        found["age"], pd.Series([30, 40, np.nan, np.nan], name="age")
    )
    assert found["n"].tolist()[1:] == [7, 7, 7]
    assert np.isnan(found["n"].iloc[0])
    assert own["userId"].tolist() == [2, 3, 4]


def test_nothing_is_added_to_a_whole_table() -> None:
    own = KNOWN.assign(town="Bern", age=20.0)
    pd.testing.assert_frame_equal(completed(own, KNOWN), own)


def test_no_table() -> None:
    pd.testing.assert_frame_equal(completed(NO_USERS, KNOWN), KNOWN)
    pd.testing.assert_frame_equal(completed(KNOWN, NO_USERS), KNOWN)


@pytest.mark.parametrize(
    ("age", "expected"),
    [(["30|31", ""], ["30|31", "40"]), ([5.0, np.nan], [5, 40])],
)
def test_column_of_the_other_kind(age: list[object], expected: list[object]) -> None:
    """Numbers here, text there: as the table itself has it."""
    own = pd.DataFrame({"userId": [1, 2], "age": age})
    known = KNOWN.assign(age=["30.0", "40.0", ""]) if age[0] == 5 else KNOWN
    assert completed(own, known)["age"].tolist()[:2] == expected


def test_ids_of_the_other_kind() -> None:
    texts = KNOWN.assign(userId=["a", "2", "b"])
    mine = pd.DataFrame({"userId": ["2", "x"], "town": ["", "Bern"]})
    assert completed(mine, KNOWN)["userId"].tolist() == ["1", "2", "4", "x"]
    numbers = pd.DataFrame({"userId": [2], "town": ["Bern"]})
    pd.testing.assert_frame_equal(completed(numbers, texts), numbers)
