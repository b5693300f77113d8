"""The baselines that every model is compared with: mean, and user and movie biases."""

from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field

from cfexp.data.encoding import Encoded, FeatureSpec
from cfexp.models.base import Baseline, Penalty
from cfexp.models.foldable import FoldIn


class BiasScorer:
    """Predicts ``mean + b_u + b_i``, clipped to the rating scale.

    Args:
        mean: Mean rating.
        user_bias: In stars, shape ``(n_users,)``; 0 for row 0, the unknown users.
        item_bias: In stars, shape ``(n_items,)``; 0 for row 0, the unknown movies.
        scale: Lowest and highest rating.
        reg_user: Penalty of user biases, for new users.
    """

    FILE = "biases.npz"

    def __init__(
        self,
        *,
        mean: float,
        user_bias: npt.NDArray[np.float64],
        item_bias: npt.NDArray[np.float64],
        scale: tuple[float, float],
        reg_user: float,
    ):
        self.mean = mean
        self.user_bias = user_bias
        self.item_bias = item_bias
        self.scale = scale
        self.reg_user = reg_user

    @property
    def n_parameters(self) -> int:
        """Number of fitted parameters."""
        return 1 + len(self.user_bias) + len(self.item_bias) - 2

    def predict(self, rows: Encoded) -> npt.NDArray[np.float64]:
        """Returns ratings within the scale, shape ``(n,)``."""
        return self.scores(rows).clip(*self.scale)

    def scores(self, rows: Encoded) -> npt.NDArray[np.float64]:
        """Returns ratings that are not cut to the scale, shape ``(n,)``."""
        return self.mean + self.user_bias[rows.user] + self.item_bias[rows.item]

    def folding(self, movies: Encoded) -> FoldIn:
        """Returns a function that gives a new user the bias that training would."""

        def fold_in(rows: Encoded, *, near: bool = False) -> "BiasScorer":
            expected = self.mean + self.item_bias[rows.item]
            total = float(np.sum(rows.rating - expected))
            user_bias = np.array([total / (len(rows) + self.reg_user)])
            return BiasScorer(
                mean=self.mean,
                user_bias=user_bias,
                item_bias=self.item_bias,
                scale=self.scale,
                reg_user=self.reg_user,
            )

        return fold_in

    def trained(self) -> list[npt.NDArray[np.float64]]:
        """Returns all fitted parameters."""
        return [np.array([self.mean]), self.user_bias, self.item_bias]

    def save(self, folder: Path) -> None:
        """Writes the biases into `folder`."""
        np.savez(
            folder / self.FILE,
            mean=self.mean,
            user_bias=self.user_bias,
            item_bias=self.item_bias,
            scale=self.scale,
            reg_user=self.reg_user,
        )

    def parts(self) -> list[Any]:
        """Returns nothing: it is loaded with its own class."""
        return []

    @classmethod
    def load(cls, folder: Path) -> "BiasScorer":
        """Reads biases written by `save`."""
        with np.load(folder / cls.FILE, allow_pickle=False) as saved:
            return cls(
                mean=float(saved["mean"]),
                user_bias=saved["user_bias"],
                item_bias=saved["item_bias"],
                scale=tuple(saved["scale"].tolist()),
                # Models saved before new users could be folded in: the default of Bias.
                reg_user=float(saved["reg_user"]) if "reg_user" in saved else 15.0,
            )


class Mean(Baseline):
    """Predicts the mean rating of the training rows for every pair."""

    name: ClassVar[str] = "mean"

    def fit(self, train: Encoded, features: FeatureSpec) -> BiasScorer:
        """Returns the fitted baseline."""
        return BiasScorer(
            mean=float(np.mean(train.rating, dtype=np.float64)),
            user_bias=np.zeros(features.n_users),
            item_bias=np.zeros(features.n_items),
            scale=features.scale,
            reg_user=float("inf"),  # users have no biases
        )


class Bias(Baseline):
    """Regularised user and movie biases (Koren, 2010, Factor in the Neighbors, sec. 2).

    Minimises ``sum (r - mean - b_u - b_i)^2 + reg_user sum b_u^2 + reg_item sum b_i^2``
    by alternating least squares, movies first.

    Attributes:
        reg_user: Penalty of user biases; acts like so many ratings of residual 0.
        reg_item: Penalty of movie biases, in the same unit.
        iterations: Rounds of alternating least squares.
    """

    name: ClassVar[str] = "bias"

    reg_user: Penalty = 15.0
    reg_item: Penalty = 10.0
    iterations: Annotated[int, Field(ge=1)] = 10

    def fit(self, train: Encoded, features: FeatureSpec) -> BiasScorer:
        """Returns the fitted baseline."""
        rating = np.asarray(train.rating, np.float64)
        mean = float(rating.mean())
        n_user = np.bincount(train.user, minlength=features.n_users)
        n_item = np.bincount(train.item, minlength=features.n_items)
        user_bias = np.zeros(features.n_users)
        item_bias = np.zeros(features.n_items)
        for _ in range(self.iterations):
            residual = rating - mean - user_bias[train.user]
            item_bias = _shrunk_mean(train.item, residual, n_item, self.reg_item)
            residual = rating - mean - item_bias[train.item]
            user_bias = _shrunk_mean(train.user, residual, n_user, self.reg_user)
        return BiasScorer(
            mean=mean,
            user_bias=user_bias,
            item_bias=item_bias,
            scale=features.scale,
            reg_user=self.reg_user,
        )


def _shrunk_mean(
    index: npt.NDArray[np.int32],
    residual: npt.NDArray[np.float64],
    count: npt.NDArray[np.int64],
    reg: float,
) -> npt.NDArray[np.float64]:
    total = np.bincount(index, weights=residual, minlength=len(count))
    return np.divide(total, count + reg, out=np.zeros(len(count)), where=count > 0)
