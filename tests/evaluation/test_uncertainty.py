"""Intervals of folds and seeds: known numbers, and what they cover."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cfexp.evaluation.significance import half_width
from cfexp.evaluation.uncertainty import Part, same_rows, summary, uncertainty


def test_uncertainty_is_the_corrected_one() -> None:
    """Nadeau and Bengio's interval: wider than that of independent values."""
    values = np.array([0.9, 1.0, 1.1, 1.05, 0.95])
    low, high = uncertainty(values, share=0.25)
    assert (low + high) / 2 == pytest.approx(1.0)
    scale = values.std(ddof=1) / np.sqrt(5)
    plain = stats.t.interval(0.95, 4, loc=1.0, scale=scale)
    assert (high - low) / (plain[1] - plain[0]) == pytest.approx(
        np.sqrt(1 / 5 + 0.25) / np.sqrt(1 / 5)
    )


def errors(rows: np.ndarray, seed: int = 0) -> pd.DataFrame:
    """Returns errors of some of 1,000 ratings, ten of each of 100 users."""
    error = np.random.default_rng(seed).normal(0, 1, len(rows))
    return pd.DataFrame(
        {"userId": rows // 10, "movieId": rows, "rating": 3.0, "error": error}
    )


def metrics(*parts: tuple[str, Part]) -> pd.DataFrame:
    """Returns the repeats' metrics, as their runs log them."""
    found = pd.DataFrame()
    for key, part in parts:
        found[f"{key}_rmse"] = [np.sqrt((e["error"] ** 2).mean()) for e in part.errors]
        found[f"{key}_mae"] = [e["error"].abs().mean() for e in part.errors]
    return found.assign(skill_vs_bias=np.linspace(0.01, 0.02, len(found)))


def test_each_part_has_its_own_share() -> None:
    """Folds: validation rows are fewer than test rows."""
    rows = np.random.default_rng(1).permutation(1000)
    test = Part([errors(rows[i::5], i) for i in range(5)], share=0.25)
    rng = np.random.default_rng(2)
    drawn = [rng.choice(1000, 40, replace=False) for _ in range(5)]
    val = Part([errors(own, i) for i, own in enumerate(drawn)], share=0.05)
    table = metrics(("val", val), ("test", test))
    found, covers = summary(table, {"val": val, "test": test})
    for name, share in (
        ("val_rmse", 0.05),
        ("test_mae", 0.25),
        ("skill_vs_bias", 0.25),
    ):
        bounds = (found[f"repeats/{name}_low"], found[f"repeats/{name}_high"])
        assert bounds == uncertainty(table[name].to_numpy(), share=share)
        assert found[f"repeats/{name}_std"] == pytest.approx(table[name].std())
    assert covers["val"].startswith("other training and validation rows: corrected")
    assert covers["test"].startswith("other training and test rows: corrected")


def test_seeds_on_the_same_rows_are_sure_of_no_more() -> None:
    """Of the test error: over users, even where all predict the same."""
    same = errors(np.arange(200), 3)
    test = Part([same] * 5, share=0.25)
    found, covers = summary(metrics(("test", test)), {"test": test})
    assert found["repeats/test_rmse_std"] == 0
    sums = (same["error"] ** 2).groupby(same["userId"]).sum().to_numpy()[:, None]
    half = half_width(sums, np.full(20, 10.0))[0]
    expected = np.sqrt((same["error"] ** 2).mean() + np.array([-half, half]))
    assert [
        found["repeats/test_rmse_low"],
        found["repeats/test_rmse_high"],
    ] == pytest.approx(expected)
    assert (
        found["repeats/test_mae_low"]
        < found["test_mae"]
        < found["repeats/test_mae_high"]
    )
    assert "repeats/skill_vs_bias_std" in found
    assert "repeats/skill_vs_bias_low" not in found
    assert covers["test"].startswith("other users, the same 5 trained models")
    assert "20 whole users; none for the skill" in covers["test"]


def test_seeds_of_a_published_fold_are_one_value() -> None:
    test = Part([errors(np.arange(f, 1000, 5), f) for f in (0, 1, 2) * 2], share=0.25)
    table = metrics(("test", test))
    assert same_rows(test) == [0, 1, 2, 0, 1, 2]
    found, covers = summary(table, {"test": test})
    values = table["test_rmse"].to_numpy()[:3]
    bounds = (found["repeats/test_rmse_low"], found["repeats/test_rmse_high"])
    assert bounds == pytest.approx(uncertainty(values, share=0.25))
    assert "3 values, each a mean of repeats with the same rows" in covers["test"]


def test_which_rows_are_the_same() -> None:
    """Nearly all are where ties are broken by seed; a half by chance is not enough."""
    mostly = np.r_[np.arange(70), np.arange(500, 530)]
    assert same_rows(Part([errors(np.arange(100)), errors(mostly)], share=0.11)) == [
        0,
        0,
    ]
    rng = np.random.default_rng(4)
    halves = []
    for _ in range(2):
        rows = rng.permutation(1000)
        halves += [errors(rows[:500]), errors(rows[500:])]
    assert same_rows(Part(halves, share=1.0)) == [0, 1, 2, 3]
