"""Plots: the numbers in them."""

import numpy as np
import pandas as pd
import pytest

from cfexp.evaluation.breakdown import HALF_WIDTH, error_stats, rmse_by_count


def test_error_stats_are_those_of_pandas() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"rating": rng.integers(1, 6, 500).astype(float)})
    frame["predicted"] = frame["rating"] + rng.normal(0.2, 1, 500)
    genres = pd.Series(rng.choice(["A|B", "B", "A|C", ""], 500))
    stats = error_stats(frame, genres, separator="|")
    error = (frame["predicted"] - frame["rating"]).to_numpy()
    assert list(stats.index) == ["", "A", "B", "C"]
    for genre, row in stats.iterrows():
        mine = error[[genre in text.split("|") for text in genres]]
        assert row["n"] == len(mine)
        assert row["mean"] == pytest.approx(mine.mean())
        assert row[HALF_WIDTH] == pytest.approx(1.96 * pd.Series(mine).sem())


def test_error_stats_keep_the_order_of_categories() -> None:
    frame = pd.DataFrame({"rating": [1.0, 2.0, 3.0], "predicted": [2.0, 2.0, 2.0]})
    bucket = pd.Series(pd.Categorical(["low", "high", "low"], ["low", "none", "high"]))
    stats = error_stats(frame, bucket)
    assert list(stats.index) == ["low", "high"]
    assert stats["mean"].tolist() == [0.0, 0.0]


def test_rmse_and_its_interval() -> None:
    """By hand: errors of 1, 1, 3 and 3 have squares of 1, 1, 9 and 9."""
    test = pd.DataFrame(
        {
            "rating": [1.0, 1, 1, 1, 2],
            "predicted": [2.0, 2, 4, 4, 2],
            "item_count": [3, 4, 2, 1, 60],
        }
    )
    found = rmse_by_count(test, "item_count")
    assert found.index.tolist() == ["1-4", "50-99"]
    assert found["n"].tolist() == [4, 1]
    assert found["RMSE"].tolist() == [pytest.approx(5**0.5), 0]
    deviation = (4 * 16 / 3) ** 0.5
    half = 1.96 * deviation / 2 / (2 * 5**0.5)
    assert found["\u00b1 95 %"].iloc[0] == pytest.approx(half)
