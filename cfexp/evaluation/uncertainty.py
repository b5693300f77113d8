"""Confidence intervals of mean errors over folds and seeds, and what they cover.

If the repeats are tested on different rows, their standard deviation shows how much
errors vary with the data. If they are tested on the same rows, it only shows how much
they vary with training; then users are resampled instead.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cfexp.data.ratings import USER
from cfexp.evaluation.names import REPEATS, is_ranking
from cfexp.evaluation.rows import ERROR, distinct
from cfexp.evaluation.significance import FloatArray, half_width

# The errors of each part of the data, which get an interval, as ranking measures do.
PARTS = {
    "val": ("val_rmse", "val_mae"),
    "test": ("test_rmse", "test_mae", "skill_vs_bias"),
}
LABELS = {"val": "validation", "test": "test"}
OVER_ROWS = (
    "other training and {} rows: corrected resampled t (Nadeau and Bengio, 2003) of {}"
    " values{}"
)
OVER_USERS = (
    "other users, the same {} trained models, as all have the same {} rows: bootstrap-t"
    " over {:,} whole users{}"
)

# The interval of each metric, and a text: what the intervals cover.
Bounds = tuple[dict[str, tuple[float, float]], str]


@dataclass(frozen=True)
class Part:
    """One part of the data, validation or test, of each repeat.

    Attributes:
        errors: For each repeat, the errors of its rows, from `read_errors`.
        share: Number of rows of the part, divided by the number of training rows.
    """

    errors: Sequence[pd.DataFrame]
    share: float


def summary(
    table: pd.DataFrame, parts: dict[str, Part]
) -> tuple[dict[str, float], dict[str, str]]:
    """Returns the mean of each metric, and intervals of `with_interval`.

    Args:
        table: One row for each fold or seed, one column for each metric.
        parts: The rows behind the metrics, by the names in `PARTS`.

    Returns:
        Each metric's mean under its own name; under ``repeats/``, ``_std``, its
        standard deviation, and, if there is one, its 95 % interval ``_low`` to
        ``_high``. Then, for each part, a text: what its intervals cover.
    """
    whole = table.dropna(axis="columns")
    found = {str(name): float(value) for name, value in whole.mean().items()}
    found[f"{REPEATS}n"] = float(len(table))
    covers = {}
    for key, part in parts.items():
        names = with_interval(key, whole)
        found |= {f"{REPEATS}{name}_std": float(table[name].std()) for name in names}
        groups = same_rows(part)
        if len(set(groups)) == 1:
            if PARTS[key][0] not in whole:  # scores have no errors
                continue
            bounds, covers[key] = _over_users(key, part)
        else:
            means = table.groupby(np.array(groups))[names].mean()
            bounds, covers[key] = _over_rows(key, part, means, len(table))
        for name in bounds.keys() & set(names):
            low, high = bounds[name]
            if np.isfinite([low, high]).all():
                found[f"{REPEATS}{name}_low"] = low
                found[f"{REPEATS}{name}_high"] = high
    return found, covers


def with_interval(part: str, metrics: Iterable[str]) -> list[str]:
    """Returns the metrics that get an interval: errors, and the model's ranking.

    Args:
        part: ``val`` or ``test``.
        metrics: The names of all metrics.
    """
    known = list(metrics)
    errors = [name for name in PARTS[part] if name in known]
    return errors + [name for name in known if is_ranking(name, part)]


def uncertainty(values: np.ndarray, *, share: float) -> tuple[float, float]:
    """Returns the 95 % interval of the mean over repeats tested on different rows.

    Corrected resampled t (Nadeau and Bengio, 2003, section 3): folds and seeds share
    training rows, so the variance of the mean is ``(1/n + share) * std**2`` instead of
    ``std**2 / n``, which would make the interval far too narrow.

    Args:
        values: A metric of n folds or seeds, shape ``(n,)``.
        share: Number of rows behind the metric, divided by that of training rows.
    """
    from scipy.special import stdtrit  # slow to import; a run does not need it

    n = len(values)
    std = float(np.std(values, ddof=1))
    half = float(stdtrit(n - 1, 0.975) * std * np.sqrt(1 / n + share))
    mean = float(np.mean(values))
    return mean - half, mean + half


def same_rows(part: Part) -> list[int]:
    """Returns a group number for each repeat; repeats with the same rows share one.

    The rows count as the same if the shared part is nearer to all of them than to what
    chance gives: with ``split=leave_last``, ties differ a little by seed.
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
    """Returns the 95 % intervals from groups of repeats tested on different rows."""
    bounds = {
        str(name): uncertainty(values.to_numpy(), share=part.share)
        for name, values in means.items()
    }
    each = ", each a mean of repeats with the same rows" if len(means) < repeats else ""
    return bounds, OVER_ROWS.format(LABELS[key], len(means), each)


def _over_users(key: str, part: Part) -> Bounds:
    """Returns the 95 % intervals of RMSE and MAE over the choice of users."""
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
    skill = "; none for the skill and for ranking" if key == "test" else ""
    covers = OVER_USERS.format(len(part.errors), LABELS[key], len(users), skill)
    return bounds, covers
