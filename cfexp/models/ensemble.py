"""An ensemble: a weighted sum of trained models."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from cfexp.data.encoder import FeatureEncoder
from cfexp.data.encoding import Encoded
from cfexp.models.base import Model, Scorer


class Ensemble(Model):
    """Stacked regression (Breiman, 1996): ``rating = c + sum of w_m * rating_m``.

    The weights are non-negative and fitted to the members' predictions of validation
    rows, which no member was trained on. See `cfexp.training.stacking`.

    Attributes:
        runs: Run ids or folders of the members. None: the best run of each model family
            in the MLflow experiment with the same data and split.
    """

    name: ClassVar[str] = "ensemble"

    runs: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Translation:
    """Converts rows of one encoder to those of another, which knows fewer ids.

    Attributes:
        user: The other encoder's index of each user, shape ``(n_users,)``.
        item: The other encoder's index of each movie, shape ``(n_items,)``.
        genre: The other encoder's index of each genre, shape ``(n_genres,)``.
    """

    user: npt.NDArray[np.int32]
    item: npt.NDArray[np.int32]
    genre: npt.NDArray[np.int32]

    @classmethod
    def between(cls, known: FeatureEncoder, other: FeatureEncoder) -> "Translation":
        """Returns the translation from `known` to `other`."""
        pairs = (
            (known.users, other.users),
            (known.items, other.items),
            (known.genres, other.genres),
        )
        return cls(*(_indices(np.asarray(a), np.asarray(b)) for a, b in pairs))

    def __call__(self, rows: Encoded) -> Encoded:
        """Returns `rows` as the other encoder would have encoded them."""
        table = np.zeros(
            (len(rows.genre_table), self.genre.max(initial=0) + 1), np.float32
        )
        for column, index in enumerate(self.genre):
            np.maximum(
                table[:, index], rows.genre_table[:, column], out=table[:, index]
            )
        return Encoded(
            user=self.user[rows.user],
            item=self.item[rows.item],
            genre_row=rows.genre_row,
            genre_table=table,
            rating=rows.rating,
        )


def _indices(ids: npt.NDArray[np.generic], others: npt.NDArray[np.generic]):  # type: ignore[no-untyped-def]
    """Returns the index in `others` of index 0, then of each of `ids`; 0 if unknown."""
    index = {key: i for i, key in enumerate(others.tolist(), start=1)}
    return np.array([0, *(index.get(key, 0) for key in ids.tolist())], np.int32)


class EnsembleScorer:
    """Predicts the weighted sum of its members' predictions, clipped to the scale.

    Args:
        members: Trained models.
        translations: From the ensemble's encoder to each member's encoder.
        weights: Weight of each member.
        intercept: Constant that is added, in stars.
        scale: Lowest and highest rating.
    """

    FILE = "ensemble.json"

    def __init__(
        self,
        *,
        members: list[Scorer],
        translations: list[Translation],
        weights: list[float],
        intercept: float,
        scale: tuple[float, float],
    ):
        self.members = members
        self.translations = translations
        self.weights = weights
        self.intercept = intercept
        self.scale = scale

    @property
    def n_parameters(self) -> int:
        """Number of trained parameters, including those of the members."""
        own = len(self.weights) + 1
        return own + sum(member.n_parameters for member in self.members)

    def predict(self, rows: Encoded) -> npt.NDArray[np.float64]:
        """Returns ratings within the scale, shape ``(n,)``."""
        total = np.full(len(rows), self.intercept)
        each = zip(self.members, self.translations, self.weights, strict=True)
        for member, translation, weight in each:
            if weight:
                total += weight * member.predict(translation(rows))
        return total.clip(*self.scale)

    def trained(self) -> list[npt.NDArray[Any]]:
        """Returns all trained parameters, those of the members first."""
        inner = [values for member in self.members for values in member.trained()]
        return [*inner, np.array([*self.weights, self.intercept])]

    def save(self, folder: Path) -> None:
        """Writes the ensemble and its members into `folder`."""
        plain = {
            "weights": self.weights,
            "intercept": self.intercept,
            "scale": self.scale,
        }
        (folder / self.FILE).write_text(json.dumps(plain))
        for i, member in enumerate(self.members):
            (folder / f"member_{i}").mkdir()
            member.save(folder / f"member_{i}")
            np.savez(folder / f"translation_{i}.npz", **vars(self.translations[i]))

    def parts(self) -> list[Any]:
        """Returns the parts of its members."""
        return [part for member in self.members for part in member.parts()]

    @classmethod
    def load(
        cls, folder: Path, load_scorer: Callable[[Path], Scorer]
    ) -> "EnsembleScorer":
        """Reads an ensemble written by `save`; `load_scorer` reads its members."""
        saved = json.loads((folder / cls.FILE).read_text())
        count = range(len(saved["weights"]))
        translations = []
        for i in count:
            with np.load(folder / f"translation_{i}.npz", allow_pickle=False) as maps:
                translations.append(Translation(**maps))
        return cls(
            members=[load_scorer(folder / f"member_{i}") for i in count],
            translations=translations,
            weights=saved["weights"],
            intercept=saved["intercept"],
            scale=tuple(saved["scale"]),
        )
