"""Coverage, novelty, diversity and concentration of lists made by hand."""

import numpy as np
import pytest

from cfexp.data.top import NONE
from cfexp.evaluation.beyond import beyond_accuracy

# Drama; drama and war; war; none; none.
GENRES = np.array([[1, 0], [1, 1], [0, 1], [0, 0], [0, 0]], bool)
COUNT = np.array([8, 4, 2, 0, 1])


def test_by_hand() -> None:
    found = beyond_accuracy(np.array([[0, 1], [0, 3]]), COUNT, 8, GENRES)
    assert found["coverage"] == 3 / 5
    # Of 8 users, 8, 4, 8 and at least 1 rated the movies.
    assert found["novelty"] == pytest.approx((0 + 1 + 0 + 3) / 4)
    # Drama and drama, war: 1 of 2 in common; drama and none: nothing.
    assert found["diversity"] == pytest.approx((0.5 + 1) / 2)
    # Shown 0, 0, 1, 1, 2 times: mean absolute difference by twice the mean.
    times = np.array([0, 0, 1, 1, 2])
    gaps = np.abs(times[:, None] - times).mean()
    assert found["gini"] == pytest.approx(gaps / (2 * times.mean()))


def test_extremes() -> None:
    same = beyond_accuracy(np.zeros((9, 1), int), COUNT, 8, GENRES)
    assert same["gini"] == pytest.approx(1 - 1 / 5)
    assert np.isnan(same["diversity"])  # no list has two movies
    each = beyond_accuracy(np.arange(5)[:, None], COUNT, 8, GENRES)
    assert each["gini"] == pytest.approx(0)
    assert each["coverage"] == 1


def test_short_lists() -> None:
    lists = np.array([[3, 4, NONE], [0, 2, NONE], [1, NONE, NONE]])
    found = beyond_accuracy(lists, COUNT, 8, GENRES)
    assert found["diversity"] == pytest.approx((0 + 1) / 2)
    assert found["coverage"] == 1
