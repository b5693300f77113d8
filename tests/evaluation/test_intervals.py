"""Prediction intervals of normal errors hold the share that they are named after."""

import numpy as np
import pandas as pd
import pytest

from cfexp.evaluation.intervals import by_std, coverage, metrics


@pytest.fixture
def test_rows() -> pd.DataFrame:
    """Predictions whose deviations are right."""
    rng = np.random.default_rng(0)
    std = rng.uniform(0.5, 2.0, 20_000)
    predicted = rng.normal(3, 1, 20_000)
    rating = predicted + std * rng.normal(size=20_000)
    return pd.DataFrame({"rating": rating, "predicted": predicted, "std": std})


def test_coverage(test_rows: pd.DataFrame) -> None:
    found = coverage(test_rows)
    shares = found["ratings in it"].str.rstrip("%").astype(float)
    np.testing.assert_allclose(shares, [50, 80, 90, 95], atol=1)
    np.testing.assert_allclose(found["mean width"][3], 2 * 1.96 * 1.25, rtol=0.01)


def test_too_small_deviations_show(test_rows: pd.DataFrame) -> None:
    error = (test_rows["predicted"] - test_rows["rating"]).to_numpy()
    right = metrics(error, test_rows["std"].to_numpy())
    small = metrics(error, test_rows["std"].to_numpy() / 2)
    assert right["intervals/coverage_90"] == pytest.approx(0.9, abs=0.01)
    assert right["intervals/coverage_50"] == pytest.approx(0.5, abs=0.01)
    assert small["intervals/coverage_90"] < 0.65
    assert small["intervals/mean_std"] == right["intervals/mean_std"] / 2


def test_error_by_deviation(test_rows: pd.DataFrame) -> None:
    found = by_std(test_rows)
    assert found["rows"].sum() == 20_000
    np.testing.assert_allclose(found["RMSE"], found["mean std"], rtol=0.05)
    assert len(by_std(test_rows.head(3))) == 3
