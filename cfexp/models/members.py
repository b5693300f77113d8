"""A model of several members: networks of one architecture, whose mean predicts."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from cfexp.data.encoding import Encoded
from cfexp.models.base import Factors, Scorer, WithStd, factors_of, scores_of
from cfexp.models.foldable import FoldIn, folding_of

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class MeanScorer:
    """Scores movies by the mean over its members, which learned to rank.

    With a softmax loss that is the logarithm of the geometric mean of the members'
    probabilities, a product of experts (Hinton, 2002, eq. 1), but for a constant of
    each user.

    Attributes:
        members: Trained models, two or more.
    """

    FILE: ClassVar[str] = "members.json"

    members: tuple[Scorer, ...]

    @property
    def n_parameters(self) -> int:
        """Number of trained parameters of all members."""
        return sum(member.n_parameters for member in self.members)

    def predict(self, rows: Encoded) -> Values:
        """Returns the mean of the members' predictions, shape ``(n,)``."""
        return np.mean([member.predict(rows) for member in self.members], axis=0)

    def scores(self, rows: Encoded) -> Values:
        """Returns the mean of the members' scores, see `scores_of`."""
        return np.mean([scores_of(member, rows) for member in self.members], axis=0)

    def factors(self, users: Encoded, items: Encoded) -> Factors | None:
        """Returns those of the members, side by side; None if one has none."""
        each = [factors_of(member, users, items) for member in self.members]
        found = [factors for factors in each if factors]
        if len(found) < len(each):
            return None
        of_users, of_items = zip(*found, strict=True)
        mean = np.concatenate(of_users, 1) / np.float32(len(each))
        return mean.astype(np.float32), np.concatenate(of_items, 1)

    def folding(self, movies: Encoded) -> FoldIn:
        """Returns a function that folds a new user into all members."""
        folds = [folding_of(member, "a member", movies) for member in self.members]

        def fold_in(rows: Encoded, *, near: bool = False) -> MeanScorer:
            members = tuple(fold(rows, near=near) for fold in folds)
            return replace(self, members=members)

        return fold_in

    def item_vectors(self, items: Encoded) -> npt.NDArray[np.floating] | None:
        """Returns the members' vectors of movies side by side; None without any."""
        own = [
            m.item_vectors(items) for m in self.members if hasattr(m, "item_vectors")
        ]
        return None if not own or own[0] is None else np.concatenate(own, axis=1)

    def trained(self) -> list[npt.NDArray[Any]]:
        """Returns all trained parameters, member by member."""
        return [values for member in self.members for values in member.trained()]

    def save(self, folder: Path) -> None:
        """Writes the members into folders of their own in `folder`."""
        plain = {"members": len(self.members), **self._numbers()}
        (folder / self.FILE).write_text(json.dumps(plain))
        for i, member in enumerate(self.members):
            (folder / f"member_{i}").mkdir()
            member.save(folder / f"member_{i}")

    def _numbers(self) -> dict[str, float]:
        return {}

    def parts(self) -> list[Any]:
        """Returns the parts of its members, which are all the same."""
        return list(self.members[0].parts())


@dataclass(frozen=True, eq=False)
class MembersScorer(MeanScorer):
    """Predicts the mean of its members (Lakshminarayanan et al., 2017, sec. 2.4).

    Attributes:
        members: Trained models, two or more.
        noise: Standard deviation of ratings, in stars, where all members agree.
        factor: What the variance over the members is multiplied by.
    """

    noise: float
    factor: float = 1.0

    def predict_with_std(self, rows: Encoded) -> WithStd:
        """Returns ratings, and the standard deviation of each, shape ``(n,)`` each.

        ``std^2 = factor * variance over the members + noise^2``, both of what the model
        does not know and of what is left to chance.
        """
        mean, spread = self._moments(rows)
        return mean, np.sqrt(self.factor * spread + self.noise**2)

    def _moments(self, rows: Encoded) -> tuple[Values, Values]:
        """Returns the mean and the variance over the members."""
        mean, square = np.zeros(len(rows)), np.zeros(len(rows))
        for member in self.members:
            predicted = member.predict(rows)
            mean += predicted
            square += predicted**2
        mean, square = mean / len(self.members), square / len(self.members)
        return mean, np.maximum(square - mean**2, 0.0)

    def calibrated(self, rows: Encoded) -> "MembersScorer":
        """Returns the model with factor and noise of rows that it was not trained on.

        They are the least squares fit of ``error^2 = factor * variance over the members
        + noise^2``, with a factor of at least 1, so that the predicted variances are
        right on average. The variance over the members alone would be too small: errors
        that they have in common are larger where they differ.
        """
        mean, spread = self._moments(rows)
        square = (mean - rows.rating) ** 2
        away, size = spread - spread.mean(), float(spread.var())
        slope = float(np.mean(away * square)) / size if size else 0.0
        if slope * spread.mean() > square.mean():  # or the noise would be negative
            slope = float(square.mean() / spread.mean())
        factor = max(slope, 1.0)
        rest = float(square.mean() - factor * spread.mean())
        return replace(self, noise=float(np.sqrt(max(rest, 0.0))), factor=factor)

    def as_uncertain_as(self, other: "MembersScorer") -> "MembersScorer":
        """Returns the model with factor and noise of another one."""
        return replace(self, noise=other.noise, factor=other.factor)

    def _numbers(self) -> dict[str, float]:
        return {"noise": self.noise, "factor": self.factor}


def load_members(folder: Path, load_scorer: Callable[[Path], Scorer]) -> MeanScorer:
    """Reads a model written by `MeanScorer.save`; `load_scorer` reads its members."""
    saved = json.loads((folder / MeanScorer.FILE).read_text())
    n = saved.pop("members")
    members = tuple(load_scorer(folder / f"member_{i}") for i in range(n))
    return MembersScorer(members, **saved) if saved else MeanScorer(members)
