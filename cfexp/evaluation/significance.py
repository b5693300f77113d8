"""Paired comparisons of systems that predicted the same rows, with users as units.

The errors of one user are correlated, so users are resampled and tested, not rows.
Interval and p-value concern the same number, the difference of the errors over all
rows. They cover the choice of test users, with the trained models fixed.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

FloatArray = npt.NDArray[np.float64]
RESAMPLES = 10_000
LEVEL = 0.95
CHUNK = 4_000_000  # numbers in one chunk of resamples: 32 MB


@dataclass(frozen=True)
class UserErrors:
    """Errors of several systems on the same rows, summed by user.

    Attributes:
        systems: Names of the R systems.
        rows: Number of distinct rows of each of the U users, shape ``(U,)``.
        squared: Sums of squared errors, shape ``(U, R)``.
        absolute: Sums of absolute errors, shape ``(U, R)``.
    """

    systems: list[str]
    rows: FloatArray
    squared: FloatArray
    absolute: FloatArray

    def sums(self, metric: str) -> FloatArray:
        """Returns the users' sums behind the RMSE or MAE, shape ``(U, R)``."""
        return self.absolute if metric == "mae" else self.squared

    def overall(self, metric: str) -> FloatArray:
        """Returns the RMSE or MAE over all rows, shape ``(R,)``."""
        means: FloatArray = self.sums(metric).sum(axis=0) / self.rows.sum()
        return means if metric == "mae" else np.sqrt(means)

    def __str__(self) -> str:
        return f"{self.rows.sum():,.0f} distinct test rows of {len(self.rows):,} users"


@dataclass(frozen=True)
class UserMeasures:
    """A measure of ranking of several systems, of the same users, each counted once.

    Attributes:
        systems: Names of the R systems.
        values: The measure of each of the U users, shape ``(U, R)``.
    """

    systems: list[str]
    values: FloatArray

    @property
    def rows(self) -> FloatArray:
        """The weight of each user, 1, shape ``(U,)``."""
        return np.ones(len(self.values))

    def sums(self, metric: str) -> FloatArray:
        """Returns the users' measures, shape ``(U, R)``."""
        return self.values

    def overall(self, metric: str) -> FloatArray:
        """Returns the mean over users, shape ``(R,)``."""
        return self.values.mean(axis=0)

    def __str__(self) -> str:
        return f"{len(self.values):,} users"


@dataclass(frozen=True)
class UserValues:
    """A metric that is a mean over rows, of several systems on the same rows, by user.

    Attributes:
        systems: Names of the R systems.
        rows: Number of distinct rows of each of the U users, shape ``(U,)``.
        values: Sums of the metric's values of rows, shape ``(U, R)``.
    """

    systems: list[str]
    rows: FloatArray
    values: FloatArray

    def sums(self, metric: str) -> FloatArray:
        """Returns the users' sums of values, shape ``(U, R)``."""
        return self.values

    def overall(self, metric: str) -> FloatArray:
        """Returns the metric of all rows, shape ``(R,)``."""
        found: FloatArray = self.values.sum(axis=0) / self.rows.sum()
        return found

    def __str__(self) -> str:
        return f"{self.rows.sum():,.0f} distinct test rows of {len(self.rows):,} users"


def against_reference(
    errors: UserErrors | UserMeasures | UserValues,
    reference: int,
    *,
    metric: str,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> pd.DataFrame:
    """Compares each system with one of them.

    Args:
        errors: The systems' errors.
        reference: Index of the system that the others are compared with.
        metric: ``rmse``, ``mae``, a measure of ranking, or a metric of one's own.
        seed: Seed of the bootstrap.
        resamples: Number of bootstrap samples.

    Returns:
        By system: the metric; ``difference``, its value minus the reference's (below 0
        is better, of ranking above 0); ``low`` and ``high``, the 95 % interval of the
        difference, see `half_width`; and ``p``, the p-value of the paired t-test
        (Student, 1908) of the users' sums of errors or measures, Holm-corrected (Holm,
        1979) for the number of other systems.
    """
    measured = errors.overall(metric)
    sums = errors.sums(metric)
    more = sums - sums[:, [reference]]
    half = half_width(more, errors.rows, seed=seed, resamples=resamples)
    if metric == "rmse":
        # a - b = (a^2 - b^2) / (a + b)
        total = measured + measured[reference]
        half = np.divide(half, total, out=np.zeros_like(half), where=total > 0)
    difference = measured - measured[reference]
    others = np.arange(len(measured)) != reference
    p = np.full(len(measured), np.nan)
    p[others] = holm(paired_t(more[:, others]).tolist())
    return pd.DataFrame(
        {
            metric: measured,
            "difference": difference,
            "low": difference - half,
            "high": difference + half,
            "p": p,
        },
        index=pd.Index(errors.systems, name="system"),
    )


def half_width(
    sums: FloatArray, rows: FloatArray, *, seed: int = 0, resamples: int = RESAMPLES
) -> FloatArray:
    """Returns half the width of the 95 % interval of means over rows.

    Symmetric bootstrap-t (Hall, 1988) over users, each drawn with all rows of the user.
    The percentile bootstrap is too narrow if there are few users, or if their numbers
    of rows differ much.

    Args:
        sums: Sums over each user's rows of R values, shape ``(U, R)``.
        rows: Number of rows of each user, shape ``(U,)``.
        seed: Seed of the bootstrap.
        resamples: Number of bootstrap samples.

    Returns:
        Shape ``(R,)``; infinite if there are too few users.
    """
    mean = sums.sum(axis=0) / rows.sum()
    spread = np.sqrt(((sums - mean * rows[:, None]) ** 2).sum(axis=0))
    if len(rows) == 1:
        return np.where(sums[0] == 0, 0.0, np.inf)
    added = np.column_stack([rows, rows**2, sums, sums**2, sums * rows[:, None]])
    drawn = []
    for times in _resamples(len(rows), resamples, seed):
        found = times @ added
        n, n2 = found[:, [0]], found[:, [1]]
        s, s2, sn = np.split(found[:, 2:], 3, axis=1)
        drawn_mean = s / n
        # The sum of squares in `spread`, of the users drawn.
        squares = s2 - 2 * drawn_mean * sn + drawn_mean**2 * n2
        with np.errstate(divide="ignore", invalid="ignore"):
            drawn.append(np.abs(s - mean * n) / np.sqrt(squares.clip(min=0)))
    # 0 / 0 if all sums are 0, as for two equal systems.
    t = np.nan_to_num(np.concatenate(drawn), nan=0, posinf=np.inf)
    scale = np.quantile(t, LEVEL, axis=0, method="higher")
    return np.where(spread > 0, scale, 0) * spread / rows.sum()


def _resamples(users: int, resamples: int, seed: int) -> Iterator[FloatArray]:
    """Yields how often each user is drawn, shape ``(draws, U)``, chunk by chunk."""
    rng = np.random.default_rng(seed)
    chunk = max(1, CHUNK // users)
    for start in range(0, resamples, chunk):
        size = min(chunk, resamples - start)
        drawn = rng.integers(users, size=(size, users))
        drawn += users * np.arange(size)[:, None]
        times = np.bincount(drawn.ravel(), minlength=size * users)
        yield times.reshape(size, users).astype(np.float64)


def paired_t(differences: FloatArray) -> FloatArray:
    """Returns the p-values of paired t-tests, two-sided.

    Args:
        differences: Differences of U users in R comparisons, shape ``(U, R)``.

    Returns:
        Shape ``(R,)``; 1 if all differences are 0, or if there is only one user.
    """
    from scipy.special import stdtr  # slow to import; a run does not need it

    users = len(differences)
    if users == 1:
        return np.ones(differences.shape[1])
    error = differences.std(axis=0, ddof=1) / np.sqrt(users)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.abs(differences.mean(axis=0)) / error
    return np.nan_to_num(2 * stdtr(users - 1, -t), nan=1.0)


def holm(p_values: list[float]) -> list[float]:
    """Returns p-values corrected for multiple comparisons (Holm, 1979)."""
    order = np.argsort(p_values)
    factor = np.arange(len(p_values), 0, -1)
    corrected = np.maximum.accumulate(np.asarray(p_values)[order] * factor).clip(max=1)
    found = np.empty(len(p_values))
    found[order] = corrected
    return found.tolist()


def p_text(p: float) -> str:
    """Returns a p-value as text; empty for the reference, which has none."""
    if np.isnan(p):
        return ""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
