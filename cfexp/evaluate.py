"""Errors of predictions: over all rows, per user, warm, cold, and by how well known."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from cfexp.errors import TrainingError

FloatArray = npt.NDArray[np.float64]
BUCKETS = ((1, 9), (10, 49), (50, 199), (200, None))


@dataclass(frozen=True)
class Group:
    """Errors over some of the rows, in stars.

    Attributes:
        name: Which rows, as the end of a metric name: ``cold_user``.
        label: Which rows, for people.
        rows: Number of rows.
        rmse: Root mean squared error; NaN where there is no row.
        mae: Mean absolute error; NaN where there is no row.
    """

    name: str
    label: str
    rows: int
    rmse: float
    mae: float


@dataclass(frozen=True)
class Evaluation:
    """Errors over all rows of a part of the data, and over groups of them.

    Attributes:
        overall: All rows alike, clipped predictions, cold rows included.
        user_mean: Each user's error, averaged over users, new ones included.
        groups: Warm and cold rows, and buckets of user activity and movie popularity
            counted in training ratings.
    """

    overall: Group
    user_mean: Group
    groups: tuple[Group, ...]

    def metrics(self, part: str) -> dict[str, float]:
        """Returns flat metrics such as ``test_rmse`` and ``test_rmse_cold_item``."""
        flat = {f"{part}_rmse": self.overall.rmse, f"{part}_mae": self.overall.mae}
        for group in (self.user_mean, *self.groups):
            if group.rows:
                flat[f"{part}_rmse_{group.name}"] = group.rmse
                flat[f"{part}_mae_{group.name}"] = group.mae
            flat[f"{part}_rows_{group.name}"] = float(group.rows)
        return flat | {f"{part}_rows": float(self.overall.rows)}


@dataclass(frozen=True)
class Comparison:
    """A model's errors beside those of baselines on the same rows.

    Attributes:
        model: The model's errors.
        baselines: Those of each baseline, the bias baseline last.
        fitted_on: What model and baselines were fitted to, as a sentence.
    """

    model: Evaluation
    baselines: Mapping[str, Evaluation]
    fitted_on: str

    @property
    def skill_vs_bias(self) -> float:
        """``1 - RMSE / RMSE of the bias baseline``: above 0 is better than it."""
        return margin(self.model.overall.rmse, self.baselines["bias"].overall.rmse)

    def metrics(self, part: str) -> dict[str, float]:
        """Returns the model's flat metrics, the baselines' and the skill."""
        found = self.model.metrics(part)
        for name, baseline in self.baselines.items():
            found[f"baseline_{name}_rmse"] = baseline.overall.rmse
            found[f"baseline_{name}_mae"] = baseline.overall.mae
        return found | {"skill_vs_bias": self.skill_vs_bias}


def margin(error: float, baseline: float) -> float:
    """Returns how much lower an error is than a baseline's, as a share of the latter.

    Without any error of the baseline it is 0 or, where the other has one, -infinity.
    """
    if not baseline:
        return -math.inf if error else 0.0
    return 1 - error / baseline


def rmse(rating: npt.ArrayLike, predicted: npt.ArrayLike) -> float:
    """Returns the root mean squared error, in stars.

    Raises:
        TrainingError: A prediction is missing or not a number.
    """
    return float(np.sqrt(np.mean(np.square(_errors(rating, predicted)))))


def mae(rating: npt.ArrayLike, predicted: npt.ArrayLike) -> float:
    """Returns the mean absolute error, in stars.

    Raises:
        TrainingError: A prediction is missing or not a number.
    """
    return float(np.mean(np.abs(_errors(rating, predicted))))


def evaluate(
    rating: npt.ArrayLike,
    predicted: FloatArray,
    *,
    user: npt.ArrayLike,
    seen: Mapping[str, npt.NDArray[np.int64]],
) -> Evaluation:
    """Evaluates predictions of rows whose ratings are known.

    Args:
        rating: The ratings, in stars, shape ``(n,)``.
        predicted: Predicted ratings, shape ``(n,)``.
        user: Raw id of each row's user, shape ``(n,)``. An encoded index will not do:
            all users unknown to a model share one.
        seen: Training ratings of each row's ``user`` and ``item``, shape ``(n,)``.

    Raises:
        TrainingError: A prediction is missing or not a number.
    """
    error = _errors(rating, predicted)
    cold = {kind: count == 0 for kind, count in seen.items()}
    masks = [
        ("warm", "warm: both known", ~cold["user"] & ~cold["item"]),
        ("cold", "cold: one is new", cold["user"] | cold["item"]),
        ("cold_user", "new users", cold["user"]),
        ("cold_item", "new movies", cold["item"]),
    ]
    for kind, label in (("user", "users"), ("item", "movies")):
        for low, high in BUCKETS:
            mask = (seen[kind] >= low) & (seen[kind] <= (high or np.inf))
            span = f"{low}_{high}" if high else f"{low}_up"
            text = f"{low}-{high}" if high else f"{low}+"
            masks.append((f"{kind}_{span}", f"{label}: {text}", mask))
    return Evaluation(
        overall=_group("", "all", error),
        user_mean=_per_user(user, error),
        groups=tuple(_group(name, label, error[mask]) for name, label, mask in masks),
    )


def _errors(rating: npt.ArrayLike | None, predicted: npt.ArrayLike) -> FloatArray:
    truth, guess = np.asarray(rating, np.float64), np.asarray(predicted, np.float64)
    if truth.shape != guess.shape:
        raise TrainingError(
            f"{guess.size} predictions for {truth.size} ratings: every row must be"
            " predicted once. Check the model's output shape, (batch, 1)."
        )
    bad = ~np.isfinite(guess)
    if bad.any():
        raise TrainingError(
            f"{int(bad.sum())} of {guess.size} predictions are not numbers, the first"
            f" in row {int(np.flatnonzero(bad)[0])}. The model has diverged: lower"
            " optimizer.learning_rate."
        )
    return guess - truth


def _group(name: str, label: str, error: FloatArray) -> Group:
    if not len(error):
        return Group(name, label, 0, float("nan"), float("nan"))
    square, absolute = np.mean(np.square(error)), np.mean(np.abs(error))
    return Group(name, label, len(error), float(np.sqrt(square)), float(absolute))


def _per_user(user: npt.ArrayLike, error: FloatArray) -> Group:
    frame = pd.DataFrame({"se": error**2, "ae": np.abs(error)})
    means = frame.groupby(np.asarray(user)).mean()
    return Group(
        "user_mean",
        "mean over users",
        len(error),
        float(np.sqrt(means["se"]).mean()),
        float(means["ae"].mean()),
    )
