"""An ensemble: a weighted sum of trained models."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from cfexp.data.encoder import FeatureEncoder
from cfexp.data.encoding import Encoded
from cfexp.models.base import Model, Scorer
from cfexp.models.foldable import FoldIn, folding_of
from cfexp.models.similar import unit_vectors


class Ensemble(Model):
    """Stacked regression (Breiman, 1996): ``rating = c + sum of w_m * rating_m``.

    The weights are non-negative and fitted to the members' predictions of validation
    rows, which no member was trained on. See `cfexp.training.stacking`.

    Attributes:
        runs: Run ids or folders of the members. None: the best run of each model family
            in the MLflow experiment with the same data and split; ``all``: all of its
            runs with them.
    """

    name: ClassVar[str] = "ensemble"

    runs: tuple[str, ...] | Literal["all"] | None = None


@dataclass(frozen=True)
class Translation:
    """Converts rows of an ensemble's encoder to those of a member's encoder.

    Attributes:
        user: The member's index of each user, shape ``(n_users,)``.
        item: The member's index of each movie, shape ``(n_items,)``.
        features: The member's features, by the names that they have in the ensemble.
    """

    user: npt.NDArray[np.int32]
    item: npt.NDArray[np.int32]
    features: Mapping[str, str]

    @classmethod
    def between(
        cls, known: FeatureEncoder, other: FeatureEncoder, number: int
    ) -> "Translation":
        """Returns the translation from an ensemble's encoder to that of a member.

        Args:
            known: The ensemble's encoder, see `encoder_of`.
            other: The member's encoder, which may know fewer ids.
            number: The member's number.
        """
        return cls(
            _indices(known.users, other.users),
            _indices(known.items, other.items),
            {_of_member(name, number): name for name in other.features},
        )

    def __call__(self, rows: Encoded) -> Encoded:
        """Returns `rows` as the member's encoder would have encoded them."""
        own = self.features.items()
        return Encoded(
            user=self.user[rows.user],
            item=self.item[rows.item],
            rating=rows.rating,
            features={name: rows.features[there] for there, name in own},
        )


def encoder_of(
    known: FeatureEncoder, members: Sequence[FeatureEncoder]
) -> FeatureEncoder:
    """Returns an encoder of ids that has the features of all members, too.

    Each member's features keep the values that it was trained with.
    """
    features = {
        _of_member(name, number): vocabulary
        for number, member in enumerate(members)
        for name, vocabulary in member.features.items()
    }
    return replace(known, features=features)


def _of_member(name: str, number: int) -> str:
    return f"{number}:{name}"


def _indices(
    ids: npt.NDArray[np.generic], others: npt.NDArray[np.generic]
) -> npt.NDArray[np.int32]:
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
        return self.scores(rows).clip(*self.scale)

    def scores(self, rows: Encoded) -> npt.NDArray[np.float64]:
        """Returns ratings that are not cut to the scale, shape ``(n,)``."""
        total = np.full(len(rows), self.intercept)
        for member, translation, weight in self._each():
            if weight:
                total += weight * member.predict(translation(rows))
        return total

    def item_vectors(self, items: Encoded) -> npt.NDArray[np.floating] | None:
        """Returns vectors of movies, whose cosine is the mean of the members' cosines.

        They are weighted as their predictions are; members without vectors, such as
        bias, do not count. None if no member has any.
        """
        found = [
            np.sqrt(weight) * own
            for member, translation, weight in self._each()
            if weight and (own := unit_vectors(member, translation(items))) is not None
        ]
        return np.concatenate(found, axis=1) if found else None

    def _each(self) -> Iterator[tuple[Scorer, Translation, float]]:
        """Yields each member with its translation and weight."""
        yield from zip(self.members, self.translations, self.weights, strict=True)

    def folding(self, movies: Encoded) -> FoldIn:
        """Returns a function that folds a new user into all members that count."""
        folds = [
            folding_of(member, "a member", translation(movies)) if weight else None
            for member, translation, weight in self._each()
        ]

        def fold_in(rows: Encoded, *, near: bool = False) -> "EnsembleScorer":
            each = zip(folds, self.members, self.translations, strict=True)
            return EnsembleScorer(
                members=[
                    fold(translation(rows), near=near) if fold else member
                    for fold, member, translation in each
                ],
                translations=self.translations,
                weights=self.weights,
                intercept=self.intercept,
                scale=self.scale,
            )

        return fold_in

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
            "features": [dict(own.features) for own in self.translations],
        }
        (folder / self.FILE).write_text(json.dumps(plain))
        for i, member in enumerate(self.members):
            (folder / f"member_{i}").mkdir()
            member.save(folder / f"member_{i}")
            own = self.translations[i]
            np.savez(folder / f"translation_{i}.npz", user=own.user, item=own.item)

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
                own = saved["features"][i]
                translations.append(Translation(maps["user"], maps["item"], own))
        return cls(
            members=[load_scorer(folder / f"member_{i}") for i in count],
            translations=translations,
            weights=saved["weights"],
            intercept=saved["intercept"],
            scale=tuple(saved["scale"]),
        )
