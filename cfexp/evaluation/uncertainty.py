"""How sure the mean errors of folds and seeds are, and of what.

Folds and seeds that draw other rows differ as other data would, and by how much is told
by their own deviation. Seeds that are tested on the same rows do not: their deviation
is that of training alone, and how sure the error is depends on who the users are.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from cfexp.data.ratings import USER
from cfexp.evaluation.rows import ERROR, distinct
from cfexp.evaluation.significance import FloatArray, half_width

# The metrics of each part of the data whose uncertainty is told.
PARTS = {
    "val": ("val_rmse", "val_mae"),
    "test": ("test_rmse", "test_mae", "skill_vs_bias"),
}
SAID = {"val": "validation", "test": "test"}
OVER_ROWS = (
    "other training and {} rows: corrected resampled t (Nadeau and Bengio, 2003) of {}"
    " values{}"
)
OVER_USERS = (
    "other users, the same {} trained models, as all have the same {} rows: bootstrap-t"
    " over {:,} whole users{}"
)
TOLD = tuple(name for names in PARTS.values() for name in names)

# The interval of each metric, and what they cover.
Bounds = tuple[dict[str, tuple[float, float]], str]


@dataclass(frozen=True)
class Part:
    """One part of the data, validation or test, of each repeat.

    Attributes:
        errors: For each repeat, the errors of its rows, as of `read_errors`.
        share: Rows of the part, by rows that it was cut from and that are left.
    """

    errors: Sequence[pd.DataFrame]
    share: float


def summary(
    table: pd.DataFrame, parts: dict[str, Part]
) -> tuple[dict[str, float], dict[str, str]]:
    """Returns means, and the uncertainty of the metrics in `TOLD`.

    Args:
        table: One row for each fold or seed, one column for each metric.
        parts: The rows behind the metrics, by the names in `PARTS`.

    Returns:
        Each metric's mean under its own name; ``_std`` of the repeats; and where there
        is one, the 95 % interval ``_low`` and ``_high``. Then, for each part, what its
        intervals cover.
    """
    whole = table.dropna(axis="columns")
    found = {str(name): float(value) for name, value in whole.mean().items()}
    found["repeats"] = float(len(table))
    covers = {}
    for key, part in parts.items():
        names = [name for name in PARTS[key] if name in whole]
        found |= {f"{name}_std": float(table[name].std()) for name in names}
        groups = alike(part)
        if len(set(groups)) == 1:
            bounds, covers[key] = _over_users(key, part)
        else:
            means = table.groupby(np.array(groups))[names].mean()
            bounds, covers[key] = _over_rows(key, part, means, len(table))
        for name in bounds.keys() & set(names):
            low, high = bounds[name]
            if np.isfinite([low, high]).all():
                found |= {f"{name}_low": low, f"{name}_high": high}
    return found, covers


def uncertainty(values: np.ndarray, *, share: float) -> tuple[float, float]:
    """Returns the 95 % interval of the mean over repeats that draw other rows.

    The interval is the corrected resampled t's (Nadeau and Bengio, 2003, section 3),
    since folds and seeds share training rows: the variance of the mean is ``(1/n +
    share) * std**2``, not ``std**2 / n``, which would be far too sure.

    Args:
        values: A metric of n folds or seeds, shape ``(n,)``.
        share: Rows that the metric is of, by training rows.
    """
    n = len(values)
    std = float(np.std(values, ddof=1))
    half = float(stats.t.ppf(0.975, n - 1) * std * np.sqrt(1 / n + share))
    mean = float(np.mean(values))
    return mean - half, mean + half


def alike(part: Part) -> list[int]:
    """Returns which repeats have the same rows, as a group's number for each.

    Rows are the same where the repeats share more of them than half way from chance to
    all: those of ``split=leave_last`` differ a little by seed, where times are equal.
    """
    numbers, _ = distinct(part.errors)
    by_chance = part.share / (1 + part.share)
    firsts: list[np.ndarray] = []
    groups = []
    for own in numbers:
        shared = [np.isin(own, first).mean() > (1 + by_chance) / 2 for first in firsts]
        if not any(shared):
            firsts.append(own)
            shared.append(True)
        groups.append(shared.index(True))
    return groups


def _over_rows(key: str, part: Part, means: pd.DataFrame, repeats: int) -> Bounds:
    """Returns the metrics' 95 % intervals from means of repeats with the same rows."""
    bounds = {
        str(name): uncertainty(values.to_numpy(), share=part.share)
        for name, values in means.items()
    }
    each = ", each a mean of repeats with the same rows" if len(means) < repeats else ""
    return bounds, OVER_ROWS.format(SAID[key], len(means), each)


def _over_users(key: str, part: Part) -> Bounds:
    """Returns the 95 % intervals of RMSE and MAE over choices of users."""
    together = pd.concat(part.errors)
    user, users = pd.factorize(together[USER], sort=True)
    error = together[ERROR].to_numpy(np.float64)
    rows = np.bincount(user).astype(np.float64)
    sums: FloatArray = np.column_stack(
        [np.bincount(user, error**2), np.bincount(user, np.abs(error))]
    )
    mean = sums.sum(axis=0) / rows.sum()
    half = half_width(sums, rows)
    low, high = (mean - half).clip(min=0), mean + half
    bounds = {
        f"{key}_rmse": (float(np.sqrt(low[0])), float(np.sqrt(high[0]))),
        f"{key}_mae": (float(low[1]), float(high[1])),
    }
    skill = "; none for the skill" if key == "test" else ""
    said = OVER_USERS.format(len(part.errors), SAID[key], len(users), skill)
    return bounds, said
