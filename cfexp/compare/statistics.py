"""Paired comparisons of systems that predicted the same rows, with users as units.

A user's errors are alike, so that rows are not independent: users are resampled whole
and tested, never rows.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

FloatArray = npt.NDArray[np.float64]
RESAMPLES = 10_000
CHUNK = 1_000


@dataclass(frozen=True)
class UserErrors:
    """Errors of several systems, summed by user.

    Attributes:
        systems: Names, R of them.
        rows: Rows of each user, shape ``(U,)``.
        squared: Sums of squared errors, shape ``(U, R)``.
        absolute: Sums of absolute errors, shape ``(U, R)``.
    """

    systems: list[str]
    rows: FloatArray
    squared: FloatArray
    absolute: FloatArray

    def per_user(self, metric: str) -> FloatArray:
        """Returns each user's RMSE or MAE, shape ``(U, R)``."""
        if metric == "mae":
            return self.absolute / self.rows[:, None]
        return np.sqrt(self.squared / self.rows[:, None])

    def overall(
        self, metric: str, weights: npt.NDArray[np.int64] | None = None
    ) -> FloatArray:
        """Returns the RMSE or MAE over all rows, shape ``(..., R)``.

        Args:
            metric: ``rmse`` or ``mae``.
            weights: How often each user counts, shape ``(..., U)``; once where None.
        """
        times: FloatArray = np.ones(len(self.rows))
        if weights is not None:
            times = weights.astype(np.float64)
        total = (times @ self.rows)[..., None]
        if metric == "mae":
            return times @ self.absolute / total
        return np.sqrt(times @ self.squared / total)


def user_errors(
    unit: npt.ArrayLike, errors: npt.ArrayLike, systems: list[str]
) -> UserErrors:
    """Sums errors by user.

    Args:
        unit: The user of each row, shape ``(n,)``.
        errors: Shape ``(n, R)``.
        systems: R names.
    """
    _, index = np.unique(np.asarray(unit), return_inverse=True)
    matrix = np.asarray(errors, np.float64)

    def sums(values: FloatArray) -> FloatArray:
        columns = [np.bincount(index, weights=v) for v in values.T]
        return np.column_stack(columns).astype(np.float64)

    return UserErrors(
        systems,
        np.bincount(index).astype(np.float64),
        sums(matrix**2),
        sums(np.abs(matrix)),
    )


def against_reference(
    errors: UserErrors, reference: int, *, metric: str, seed: int = 0
) -> pd.DataFrame:
    """Compares each system with one of them.

    Args:
        errors: The systems' errors.
        reference: Index of the system that the others are compared with.
        metric: ``rmse`` or ``mae``.
        seed: Seed of the bootstrap.

    Returns:
        By system: ``difference`` of its error from the reference's (below 0 is
        better), ``low`` and ``high`` of its 95 % interval by the paired bootstrap
        (Efron and Tibshirani, 1993) over users, and ``p``, of the Wilcoxon signed-rank
        test over the users' errors (Wilcoxon, 1945), Holm-corrected (Holm, 1979).
    """
    measured = errors.overall(metric)
    rng = np.random.default_rng(seed)
    users = len(errors.rows)
    resampled = []
    for _ in range(RESAMPLES // CHUNK):
        drawn = rng.integers(users, size=(CHUNK, users))
        drawn += users * np.arange(CHUNK)[:, None]
        weights = np.bincount(drawn.ravel(), minlength=CHUNK * users)
        weights = weights.reshape(CHUNK, users)  # how often each user was drawn
        found = errors.overall(metric, weights)
        resampled.append(found - found[:, [reference]])
    low, high = np.percentile(np.concatenate(resampled), [2.5, 97.5], axis=0)
    each = errors.per_user(metric)
    others = [i for i in range(len(measured)) if i != reference]
    p = np.full(len(measured), np.nan)
    p[others] = holm([_wilcoxon(each[:, i] - each[:, reference]) for i in others])
    return pd.DataFrame(
        {
            metric: measured,
            "difference": measured - measured[reference],
            "low": low,
            "high": high,
            "p": p,
        },
        index=pd.Index(errors.systems, name="system"),
    )


def holm(p_values: list[float]) -> list[float]:
    """Returns p-values corrected for their number (Holm, 1979)."""
    order = np.argsort(p_values)
    factor = np.arange(len(p_values), 0, -1)
    corrected = np.maximum.accumulate(np.asarray(p_values)[order] * factor).clip(max=1)
    found = np.empty(len(p_values))
    found[order] = corrected
    return found.tolist()


def _wilcoxon(difference: FloatArray) -> float:
    if not difference.any():
        return 1.0  # the same system twice
    return float(stats.wilcoxon(difference).pvalue)
