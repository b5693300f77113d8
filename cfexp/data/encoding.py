"""Encoded rows, and the properties of the data that a model is built from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from cfexp.runtime.memo import read_only

IndexArray = npt.NDArray[np.int32]
FloatArray = npt.NDArray[np.float32]
Of = Literal["user", "item", "row"]


@dataclass(frozen=True)
class FeatureSize:
    """The size of a feature's vocabulary.

    Attributes:
        of: Whose feature it is: the user's, the movie's, or the rating's own.
        width: Number of its values, value 0 for unknown ones included.
        rows: Rows to give to a table of its values, `width` or more: the same for all
            folds of a dataset, so that they share compiled programs.
    """

    of: Of
    width: int
    rows: int


@dataclass(frozen=True)
class Feature:
    """The values that rows have of one feature.

    Attributes:
        of: Whose feature it is: the user's, the movie's, or the rating's own.
        row: Row of `table` that holds each rating's values, shape ``(n,)``.
        table: 1 where a row has a value, else 0, shape ``(m, width)``. Column 0 stands
            for unknown; each row has a value.
    """

    of: Of
    row: IndexArray
    table: csr_matrix

    def __post_init__(self) -> None:
        object.__setattr__(self, "row", read_only(self.row))

    @cached_property
    def values(self) -> IndexArray:
        """The values of each row of `table`, filled up with -1, shape ``(m, most)``."""
        counts = np.diff(self.table.indptr)
        found = np.full((len(counts), max(1, counts.max(initial=1))), -1, np.int32)
        place = np.arange(self.table.nnz) - np.repeat(self.table.indptr[:-1], counts)
        found[np.repeat(np.arange(len(counts)), counts), place] = self.table.indices
        return read_only(found)


@dataclass(frozen=True)
class RankingLoss:
    """How a network is trained to rank, see `cfexp.models.layers.ranking`.

    Attributes:
        loss: ``softmax``, ``bpr`` or ``bce``.
        negatives: Number of movies drawn for a batch; 0: all.
        by_popularity: Whether popular movies are drawn more often.
    """

    loss: str
    negatives: int
    by_popularity: bool


@dataclass(frozen=True)
class FeatureSpec:
    """The properties of the training data that a model is built from.

    Attributes:
        n_users: Rows of a user table, row 0 for unknown users included.
        n_items: Rows of a movie table, row 0 for unknown movies included.
        mean_rating: Mean rating of the training rows.
        scale: Lowest and highest rating.
        user_rows: Rows to give to a user table, `n_users` or more: the same for all
            folds of a dataset, so that they share compiled programs.
        item_rows: Rows to give to a movie table, `n_items` or more.
        features: The declared features, by name, in the order of `Encoded.features`.
        user_l2: Penalty of vectors of users' features, times that of vectors of ids.
        item_l2: The same of movies' features.
        levels: With an ordinal loss: the training ratings' distinct values, in order.
        shares: The share of each level.
        ranking: How it is trained to rank; None: to predict ratings.
    """

    n_users: int
    n_items: int
    mean_rating: float
    scale: tuple[float, float]
    user_rows: int
    item_rows: int
    features: Mapping[str, FeatureSize] = field(default_factory=dict)
    user_l2: float = 1.0
    item_l2: float = 1.0
    levels: tuple[float, ...] = ()
    shares: tuple[float, ...] = ()
    ranking: RankingLoss | None = None


@dataclass(frozen=True)
class Encoded:
    """Rows as a model reads them.

    Attributes:
        user: Index of each row's user, shape ``(n,)``.
        item: Index of each row's movie, shape ``(n,)``.
        rating: Rating of each row, shape ``(n,)``; NaN if unknown.
        features: The declared features, by name.
        on_disk: Whether the arrays are memory-mapped, see `cfexp.data.streaming`.
    """

    user: IndexArray
    item: IndexArray
    rating: FloatArray
    features: Mapping[str, Feature] = field(default_factory=dict)
    on_disk: bool = False

    def __post_init__(self) -> None:
        for name in ("user", "item", "rating"):
            object.__setattr__(self, name, read_only(getattr(self, name)))
        features = MappingProxyType(dict(self.features))
        object.__setattr__(self, "features", features)

    def __len__(self) -> int:
        return len(self.user)

    def at(self, rows: npt.NDArray[np.integer]) -> "Encoded":
        """Returns the rows at some positions; the tables of features are the same."""
        return Encoded(
            user=self.user[rows],
            item=self.item[rows],
            rating=self.rating[rows],
            features={
                name: Feature(own.of, own.row[rows], own.table)
                for name, own in self.features.items()
            },
        )

    @property
    def columns(self) -> dict[str, npt.NDArray[np.generic]]:
        """The columns of a batch: ids, ratings, and rows of `tables`, by name."""
        rows = {feature_input(n): f.row for n, f in enumerate(self.features.values())}
        return {"user": self.user, "item": self.item, "rating": self.rating, **rows}

    @property
    def tables(self) -> dict[str, IndexArray]:
        """The values of features by row, by the name of the model's input."""
        each = enumerate(self.features.values())
        return {feature_input(n): feature.values for n, feature in each}


def crossed(users: Encoded, items: Encoded) -> Encoded:
    """Returns all pairs of some users and movies, all of the first user first.

    Args:
        users: A row for each user; its movie does not count.
        items: A row for each movie; its user does not count.
    """
    n_users, n_items = len(users), len(items)

    def pairs(of: Of, user: IndexArray, item: IndexArray) -> IndexArray:
        return np.tile(item, n_users) if of == "item" else np.repeat(user, n_items)

    features = {}
    for name, own in users.features.items():
        other = items.features[name]
        row = pairs(own.of, own.row, other.row)
        features[name] = Feature(
            own.of, row, (other if own.of == "item" else own).table
        )
    return Encoded(
        user=pairs("user", users.user, items.user),
        item=pairs("item", users.item, items.item),
        rating=np.full(n_users * n_items, np.nan, np.float32),
        features=features,
    )


def feature_input(number: int) -> str:
    """Returns the name of the model's input of the feature with this number."""
    return f"feature_{number}"
