"""Errors: known numbers, groups that add up, nothing missing."""

import numpy as np
import pytest

from cfexp.data.encoding import Encoded
from cfexp.errors import TrainingError
from cfexp.evaluation.groups import evaluate
from cfexp.evaluation.metrics import mae, rmse


def seen(train: Encoded, rows: Encoded) -> dict[str, np.ndarray]:
    return {
        kind: np.bincount(getattr(train, kind), minlength=4)[getattr(rows, kind)]
        for kind in ("user", "item")
    }


def encoded(user: list[int], item: list[int], rating: list[float]) -> Encoded:
    columns = (user, np.int32), (item, np.int32), (rating, np.float32)
    return Encoded(*(np.array(values, kind) for values, kind in columns))


def test_known_values() -> None:
    assert rmse([1, 2, 3], [1, 2, 6]) == pytest.approx(np.sqrt(3))
    assert mae([1, 2, 3], [1, 2, 6]) == 1.0


def test_groups() -> None:
    train = encoded([1] * 12 + [2], [1] * 12 + [2], [3.0] * 13)
    test = encoded([1, 1, 2, 0, 3], [1, 2, 1, 1, 0], [3.0, 3.0, 3.0, 3.0, 3.0])
    predicted = np.array([3.0, 4.0, 5.0, 3.0, 1.0])
    found = evaluate(
        test.rating, predicted, user=["1", "1", "2", "x", "3"], seen=seen(train, test)
    )
    metrics = found.metrics("test")
    assert metrics["test_rmse"] == pytest.approx(np.sqrt((1 + 4 + 4) / 5))
    assert metrics["test_mae"] == pytest.approx(1.0)
    assert metrics["rows/test"] == 5
    # users 1, 2, 0 (unknown) and 3, each with its own error
    expected = np.mean([np.sqrt(0.5), 2.0, 0.0, 2.0])
    assert metrics["groups/test_rmse_user_mean"] == pytest.approx(expected)
    assert metrics["rows/test_warm"] == 3
    assert metrics["groups/test_rmse_warm"] == pytest.approx(np.sqrt(5 / 3))
    assert metrics["rows/test_cold"] == 2
    assert metrics["rows/test_cold_user"] == 2
    assert metrics["rows/test_cold_item"] == 1
    assert metrics["groups/test_rmse_cold_item"] == pytest.approx(2.0)
    assert metrics["rows/test_user_1_9"] == 1
    assert metrics["rows/test_user_10_49"] == 2
    assert metrics["rows/test_item_10_49"] == 3
    assert metrics["rows/test_item_200_up"] == 0
    assert "groups/test_rmse_item_200_up" not in metrics


def test_buckets_and_cold_rows_are_all_rows() -> None:
    rng = np.random.default_rng(0)
    train = encoded(*(rng.integers(1, 4, 900).tolist() for _ in range(2)), [3.0] * 900)
    test = encoded(*(rng.integers(0, 4, 200).tolist() for _ in range(2)), [3.0] * 200)
    rows = {
        g.name: g.rows
        for g in evaluate(
            test.rating,
            np.full(200, 3.5),
            user=test.user,
            seen=seen(train, test),
        ).groups
    }
    assert rows["warm"] + rows["cold"] == 200
    for kind in ("user", "item"):
        in_buckets = sum(n for name, n in rows.items() if name.startswith(f"{kind}_"))
        assert in_buckets + rows[f"cold_{kind}"] == 200


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_predictions_that_are_not_numbers_are_errors(bad: float) -> None:
    with pytest.raises(
        TrainingError, match="1 of 3 predictions are not numbers.* row 1"
    ):
        rmse([1, 2, 3], [1, bad, 3])


def test_missing_predictions_are_errors() -> None:
    with pytest.raises(TrainingError, match="2 predictions for 3 ratings"):
        mae([1, 2, 3], [1, 2])
