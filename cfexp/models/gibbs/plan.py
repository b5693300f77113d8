"""The sides of the ratings that are sampled, and the features of each."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from cfexp.data.encoding import Encoded, Feature, FeatureSpec
from cfexp.models.gibbs.prior import FloatArray
from cfexp.models.gibbs.randomness import Randomness
from cfexp.models.gibbs.side import Side
from cfexp.models.sampled_side import SampledSide, session_keys

Sides = tuple[Literal["user", "item"], ...]
NO_KEYS: npt.NDArray[np.int64] = np.empty(0, np.int64)


@dataclass(frozen=True, eq=False)
class Plan:
    """One side of the ratings: users, movies or sessions.

    Attributes:
        of: Its name, as in `SampledSide`.
        index: User of each rating, shape ``(n_rows,)``.
        n: Number of users.
        history: Who rated what, if it is a feature, shape ``(n, others)``.
        features: The declared features by name, shape ``(n, values)`` each.
        keys: Of sessions, as in `SampledSide`.
    """

    of: str
    index: npt.NDArray[np.int32]
    n: int
    history: FloatArray | None = None
    features: dict[str, FloatArray] = field(default_factory=dict)
    keys: npt.NDArray[np.int64] = field(default_factory=NO_KEYS.copy)

    def side(self, width: int, random: Randomness) -> Side:
        """Returns the side, with vectors of `width` factors."""
        history = [] if self.history is None else [self.history]
        tables = [*history, *self.features.values()]
        return Side(self.index, self.n, width, tables, random)

    def sampled(self, side: Side) -> SampledSide:
        """Returns the present sample of the side that `side` has returned."""
        groups = side.prior.coefficients
        named = dict(zip(self.features, groups[-len(self.features) :], strict=False))
        vectors = side.vectors.numpy()
        for group in named.values():
            vectors = vectors - group.effect().numpy()
        effects = {name: group.value.numpy()[None] for name, group in named.items()}
        return SampledSide(
            of=self.of, vectors=vectors[None], effects=effects, keys=self.keys
        )


def plans_of(train: Encoded, features: FeatureSpec, histories: Sides) -> list[Plan]:
    """Returns users, movies, and a side of sessions for each feature of ratings.

    Args:
        train: The training rows.
        features: Properties of the training data.
        histories: Whose history is a feature.
    """
    found = []
    indices = {"user": train.user, "item": train.item}
    sizes = {"user": features.n_users, "item": features.n_items}
    for of, other in (("user", "item"), ("item", "user")):
        size = sizes[of], sizes[other]
        known = of in histories
        rated = history(indices[of], indices[other], size) if known else None
        own = {n: f for n, f in train.features.items() if f.of == of}
        tables = {n: table_of(f, indices[of], sizes[of]) for n, f in own.items()}
        found.append(Plan(of, indices[of], sizes[of], rated, tables))
    for name, feature in train.features.items():
        if feature.of == "row":
            keys, index = np.unique(
                session_keys(train.user, feature), return_inverse=True
            )
            sessions = index.astype(np.int32) + 1  # 0 is for unknown ones
            found.append(Plan(name, sessions, len(keys) + 1, keys=keys))
    return found


def table_of(feature: Feature, index: npt.NDArray[np.int32], n: int) -> FloatArray:
    """Returns the values of each user, 1 or 0, shape ``(n, values)``.

    Args:
        feature: A feature of users.
        index: User of each rating.
        n: Number of users. Those without a rating have unknown values.
    """
    table = np.zeros((n, feature.table.shape[1]), np.float32)
    table[:, 0] = 1
    users, first = np.unique(index, return_index=True)
    table[users] = feature.table[feature.row[first]].toarray()
    return table


def history(
    of: npt.NDArray[np.int32], others: npt.NDArray[np.int32], shape: tuple[int, int]
) -> FloatArray:
    """Returns which movies each user rated, divided by the root of their number.

    As in SVD++ (Koren, 2008, eq. 15).
    """
    table = np.zeros(shape, np.float32)
    table[of, others] = 1
    return table / np.sqrt(np.maximum(table.sum(1, keepdims=True), 1))
