"""Prediction intervals: how often they hold the rating that was given."""

from statistics import NormalDist

import numpy as np
import pandas as pd

from cfexp.data.ratings import RATING
from cfexp.evaluation.metrics import FloatArray
from cfexp.evaluation.names import INTERVALS

STD = "std"
LEVELS = (0.5, 0.8, 0.9, 0.95)
GROUPS = 5


def half_width(level: float) -> float:
    """Returns half of the width of a normal interval, in standard deviations."""
    return NormalDist().inv_cdf((1 + level) / 2)


def metrics(error: FloatArray, std: FloatArray) -> dict[str, float]:
    """Returns the coverage of 50 % and 90 % intervals, and the mean deviation.

    Args:
        error: Predicted minus true ratings, shape ``(n,)``.
        std: Predicted standard deviations, shape ``(n,)``.
    """
    found = {
        f"{INTERVALS}coverage_{level:.0%}".rstrip("%"): _covered(error, std, level)
        for level in (0.5, 0.9)
    }
    return found | {f"{INTERVALS}mean_std": float(np.mean(std))}


def coverage(test: pd.DataFrame) -> pd.DataFrame:
    """Returns the share of ratings within ``predicted`` plus or minus normal intervals.

    Args:
        test: Columns ``rating``, ``predicted`` and ``std``.

    Returns:
        Columns ``interval``, ``ratings in it`` (their share) and ``mean width``, in
        stars. Right intervals hold the share that they are named after.
    """
    error = (test["predicted"] - test[RATING]).to_numpy()
    std = test[STD].to_numpy()
    return pd.DataFrame(
        {
            "interval": [f"{level:.0%}" for level in LEVELS],
            "ratings in it": [f"{_covered(error, std, x):.1%}" for x in LEVELS],
            "mean width": [2 * half_width(x) * float(std.mean()) for x in LEVELS],
        }
    )


def by_std(test: pd.DataFrame) -> pd.DataFrame:
    """Returns the error of rows of low to high predicted deviation, in equal parts.

    Args:
        test: Columns ``rating``, ``predicted`` and ``std``.

    Returns:
        Columns ``rows``, ``mean std``, ``RMSE`` and ``90% interval``, the share in it.
        Right deviations are as large as the RMSE.
    """
    order = np.argsort(test[STD].to_numpy(), kind="stable")
    rows = []
    for part in np.array_split(order, min(GROUPS, len(order))):
        found = test.iloc[part]
        error = (found["predicted"] - found[RATING]).to_numpy()
        std = found[STD].to_numpy()
        rows.append(
            {
                "rows": len(found),
                "mean std": float(std.mean()),
                "RMSE": float(np.sqrt(np.mean(error**2))),
                "90% interval": f"{_covered(error, std, 0.9):.1%}",
            }
        )
    return pd.DataFrame(rows)


def _covered(error: FloatArray, std: FloatArray, level: float) -> float:
    return float(np.mean(np.abs(error) <= half_width(level) * std))
