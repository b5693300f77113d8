"""Errors of groups of rows: mean over users, warm and cold, and by training ratings."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from cfexp.data.ratings import ITEM, USER, IntArray, Ratings
from cfexp.evaluation.metrics import FloatArray, _errors
from cfexp.evaluation.names import GROUPS, ROWS

# Number of training ratings of each row's ``user`` and ``item``, shape (n,) each.
Seen = Mapping[str, IntArray]
# Lowest and highest number of training ratings of each bucket.
BUCKETS = ((1, 9), (10, 49), (50, 199), (200, None))


def times_seen(
    ratings: Ratings, rows: IntArray, train: IntArray
) -> dict[str, IntArray]:
    """Counts the training ratings of each row's user and movie.

    The counts depend on the split alone, so that all models and baselines of a split
    are compared on the same groups of rows.

    Args:
        ratings: The dataset.
        rows: Positions of the rows.
        train: Positions of the split's train rows.

    Returns:
        Counts of each row's ``user`` and ``item``, shape ``(n,)`` each.
    """
    found = {}
    for kind, column in (("user", USER), ("item", ITEM)):
        codes = pd.factorize(ratings.frame[column])[0]
        counts = np.bincount(codes[train], minlength=int(codes.max()) + 1)
        found[kind] = counts[codes[rows]]
    return found


@dataclass(frozen=True)
class Group:
    """Errors over some of the rows, in stars.

    Attributes:
        name: Name of the group, the suffix of its metrics, such as ``cold_user``.
        label: Name of the group in tables.
        rows: Number of rows.
        rmse: Root mean squared error; NaN if there is no row.
        mae: Mean absolute error; NaN if there is no row.
    """

    name: str
    label: str
    rows: int
    rmse: float
    mae: float


@dataclass(frozen=True, repr=False)
class Evaluation:
    """Errors over all rows of a part of the data, and over groups of them.

    Attributes:
        overall: All rows, cold ones included.
        user_mean: Mean over users, new ones included, of each user's error.
        groups: Warm and cold rows, and buckets of the users' and movies' numbers of
            training ratings.
    """

    overall: Group
    user_mean: Group
    groups: tuple[Group, ...]

    @property
    def rmse(self) -> float:
        """RMSE over all rows, in stars."""
        return self.overall.rmse

    @property
    def mae(self) -> float:
        """MAE over all rows, in stars."""
        return self.overall.mae

    def to_frame(self) -> pd.DataFrame:
        """Returns columns ``group``, ``rows``, ``rmse``, ``mae``; all rows come first.

        Groups without rows are left out.
        """
        groups = [self.overall, self.user_mean, *self.groups]
        lines = [(g.label, g.rows, g.rmse, g.mae) for g in groups if g.rows]
        return pd.DataFrame(lines, columns=["group", "rows", "rmse", "mae"])

    def __repr__(self) -> str:
        """Returns the errors as a table."""
        return str(self.to_frame().to_string(index=False, float_format="{:.4f}".format))

    def _repr_html_(self) -> str:
        """Returns the errors as a table, for notebooks."""
        return str(self.to_frame().to_html(index=False, float_format="{:.4f}".format))

    def metrics(self, part: str) -> dict[str, float]:
        """Returns metrics such as ``test_rmse`` and ``groups/test_rmse_cold_item``."""
        flat = {f"{part}_rmse": self.overall.rmse, f"{part}_mae": self.overall.mae}
        for group in (self.user_mean, *self.groups):
            if group.rows:
                flat[f"{GROUPS}{part}_rmse_{group.name}"] = group.rmse
                flat[f"{GROUPS}{part}_mae_{group.name}"] = group.mae
            flat[f"{ROWS}{part}_{group.name}"] = float(group.rows)
        return flat | {f"{ROWS}{part}": float(self.overall.rows)}


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
        user: Raw id of each row's user, shape ``(n,)``; not the encoded index, which
            all unknown users share.
        seen: Number of training ratings of each row's ``user`` and ``item``, shape
            ``(n,)`` each.

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
