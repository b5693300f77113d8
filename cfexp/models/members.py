"""A model of several members: networks of one architecture, whose mean predicts."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from cfexp.data.encoding import Encoded
from cfexp.models.base import Scorer, WithStd

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class MembersScorer:
    """Predicts the mean of its members (Lakshminarayanan et al., 2017, sec. 2.4).

    Attributes:
        members: Trained models, two or more.
        noise: Standard deviation of ratings, in stars, besides the members' spread.
    """

    FILE: ClassVar[str] = "members.json"

    members: tuple[Scorer, ...]
    noise: float

    @property
    def n_parameters(self) -> int:
        """Number of trained parameters of all members."""
        return sum(member.n_parameters for member in self.members)

    def predict(self, rows: Encoded) -> Values:
        """Returns ratings within the scale, shape ``(n,)``."""
        return self._moments(rows)[0]

    def predict_with_std(self, rows: Encoded) -> WithStd:
        """Returns ratings, and the standard deviation of each, shape ``(n,)`` each.

        ``std^2 = variance over the members + noise^2``: what the model does not know,
        and what is left to chance.
        """
        mean, spread = self._moments(rows)
        return mean, np.sqrt(spread + self.noise**2)

    def _moments(self, rows: Encoded) -> tuple[Values, Values]:
        """Returns the mean and the variance over the members."""
        mean, square = np.zeros(len(rows)), np.zeros(len(rows))
        for member in self.members:
            predicted = member.predict(rows)
            mean += predicted
            square += predicted**2
        mean, square = mean / len(self.members), square / len(self.members)
        return mean, np.maximum(square - mean**2, 0.0)

    def with_noise_of(self, rows: Encoded) -> "MembersScorer":
        """Returns the model with the noise of some rows that it was not trained on.

        ``noise^2 = mean(error^2 - variance over the members)``, so that the predicted
        variances are right on average; 0 if it would be negative.
        """
        mean, spread = self._moments(rows)
        rest = float(np.mean((mean - rows.rating) ** 2 - spread))
        return replace(self, noise=float(np.sqrt(max(rest, 0.0))))

    def trained(self) -> list[npt.NDArray[Any]]:
        """Returns all trained parameters, member by member."""
        return [values for member in self.members for values in member.trained()]

    def save(self, folder: Path) -> None:
        """Writes the members into folders of their own in `folder`."""
        plain = {"members": len(self.members), "noise": self.noise}
        (folder / self.FILE).write_text(json.dumps(plain))
        for i, member in enumerate(self.members):
            (folder / f"member_{i}").mkdir()
            member.save(folder / f"member_{i}")

    def parts(self) -> list[Any]:
        """Returns the parts of its members, which are all the same."""
        return list(self.members[0].parts())

    @classmethod
    def load(
        cls, folder: Path, load_scorer: Callable[[Path], Scorer]
    ) -> "MembersScorer":
        """Reads a model written by `save`; `load_scorer` reads its members."""
        saved = json.loads((folder / cls.FILE).read_text())
        each = (folder / f"member_{i}" for i in range(saved["members"]))
        return cls(tuple(map(load_scorer, each)), saved["noise"])
