"""The encoder of ids and features, fitted on training rows only. Index 0 is unknown."""

import dataclasses
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cfexp.data.encoding import Encoded, FeatureSpec
from cfexp.data.features import Declared
from cfexp.data.ids import id_array, positions
from cfexp.data.learn import vocabulary_of, vocabulary_of_days
from cfexp.data.lookup import Lookup
from cfexp.data.ratings import ITEM, RATING, TIMESTAMP, USER, IntArray, Ratings
from cfexp.data.side_tables import NO_USERS
from cfexp.data.vocabulary import Vocabulary
from cfexp.runtime.memo import read_only

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False, kw_only=True)
class FeatureEncoder:
    """Maps raw ids and columns to the indices that models take.

    Attributes:
        users: Ids of the users, sorted.
        items: Ids of the movies, sorted.
        user_counts: Number of training ratings of each user.
        item_counts: Number of training ratings of each movie.
        mean_rating: Mean training rating.
        scale: Lowest and highest rating.
        user_rows: Rows of a user table, see `FeatureSpec`.
        item_rows: Rows of a movie table, see `FeatureSpec`.
        features: The values of each declared feature, by name.
    """

    users: npt.NDArray[Any]
    items: npt.NDArray[Any]
    user_counts: IntArray
    item_counts: IntArray
    mean_rating: float
    scale: tuple[float, float]
    user_rows: int = 0
    item_rows: int = 0
    features: Mapping[str, Vocabulary] = field(default_factory=dict)

    def __post_init__(self) -> None:
        users, items = id_array(self.users), id_array(self.items)
        changes = {
            "users": read_only(users),
            "items": read_only(items),
            "user_counts": read_only(np.asarray(self.user_counts, np.int64)),
            "item_counts": read_only(np.asarray(self.item_counts, np.int64)),
            "user_rows": max(self.user_rows, len(users) + 1),
            "item_rows": max(self.item_rows, len(items) + 1),
        }
        for name, value in changes.items():
            object.__setattr__(self, name, value)

    @property
    def spec(self) -> FeatureSpec:
        """What a model has to know of the encoded data to be built."""
        return FeatureSpec(
            n_users=len(self.users) + 1,
            n_items=len(self.items) + 1,
            mean_rating=self.mean_rating,
            scale=self.scale,
            user_rows=self.user_rows,
            item_rows=self.item_rows,
            features={name: known.size for name, known in self.features.items()},
        )

    @property
    def columns(self) -> dict[str, Vocabulary]:
        """The columns that the features are read from."""
        return {known.column: known for known in self.features.values()}

    @classmethod
    def fit(
        cls, ratings: Ratings, train: IntArray, declared: tuple[Declared, ...] = ()
    ) -> "FeatureEncoder":
        """Learns ids, features and mean rating from the rows `train`, nothing else.

        The encoder is shared by all who ask for it in this process.
        """
        return ratings.shared.of_rows(
            ("encoder", cls, declared),
            [train],
            lambda: cls._fit(ratings, train, declared),
        )

    @classmethod
    def _fit(
        cls, ratings: Ratings, train: IntArray, declared: tuple[Declared, ...]
    ) -> "FeatureEncoder":
        rows = ratings.frame.iloc[train]
        users, user_counts = _counted(rows[USER])
        items, item_counts = _counted(rows[ITEM])
        known = {
            "user": (ratings.users, USER, users),
            "item": (ratings.movies, ITEM, items),
        }
        features = {}
        for of, column in declared:
            if of == "row":
                times = ratings.frame[TIMESTAMP].to_numpy(np.float64)
                features[column] = vocabulary_of_days(times[train], times)
                continue
            table, id_column, ids = known[of]
            in_train = positions(table[id_column], ids) >= 0
            values = table[column]
            features[column] = vocabulary_of(of, values, values[in_train])
        return cls(
            users=users,
            items=items,
            user_counts=user_counts,
            item_counts=item_counts,
            mean_rating=float(np.mean(rows[RATING].to_numpy(), dtype=np.float64)),
            scale=ratings.scale,
            # Only the size of the tables: ids outside of train stay unknown.
            user_rows=ratings.n_users + 1,
            item_rows=ratings.n_items + 1,
            features=features,
        )

    def encode(self, ratings: Ratings, rows: IntArray) -> Encoded:
        """Encodes the ratings at some row positions."""
        there = {"user": ratings.users, "item": ratings.movies, "row": ratings.frame}
        for name, known in self.features.items():
            if known.column not in there[known.of]:
                log.warning(
                    "%s has no column %s: the model's feature %s is unknown for all of"
                    " its ratings",
                    *(ratings.name, known.column, name),
                )
        tables = ratings.movies, ratings.users
        return self.transform(ratings.frame.iloc[rows], *tables, whole=True)

    def transform(
        self,
        rows: pd.DataFrame,
        movies: pd.DataFrame,
        users: pd.DataFrame = NO_USERS,
        *,
        whole: bool = False,
    ) -> Encoded:
        """Encodes rows with ``userId``, ``movieId`` and perhaps ``rating``.

        Args:
            rows: The rows. A feature's column in them takes precedence over those in
                `movies` and `users`, where it is not missing.
            movies: The movies, as in `Ratings`.
            users: The users, as in `Ratings`.
            whole: Encode the whole tables of movies and users, not only those of the
                rows, so that the tables of other rows are the same.
        """
        rating = np.full(len(rows), np.nan, np.float32)
        if RATING in rows.columns:
            rating = rows[RATING].to_numpy("float32")
        lookup = Lookup(rows, movies=movies, users=users, whole=whole)
        return Encoded(
            user=(positions(rows[USER], self.users) + 1).astype(np.int32),
            item=(positions(rows[ITEM], self.items) + 1).astype(np.int32),
            rating=rating,
            features={n: lookup.feature(known) for n, known in self.features.items()},
        )

    def described(
        self, rows: pd.DataFrame, movies: pd.DataFrame, users: pd.DataFrame
    ) -> pd.DataFrame:
        """Returns rows as a request brings them: ids, and columns of features.

        Args:
            rows: ``userId``, ``movieId`` and, if the day is a feature, ``timestamp``.
            movies: The movies, as in `Ratings`.
            users: The users, as in `Ratings`.
        """
        lookup = Lookup(rows, movies=movies, users=users, whole=False)
        return lookup.described(self.features.values())

    def times_seen(self, rows: Encoded) -> dict[str, IntArray]:
        """Returns the number of training ratings of each row's ``user`` and ``item``.

        Shape ``(n,)`` each; 0 for unknown ones.
        """
        return {
            "user": np.append(0, self.user_counts)[rows.user],
            "item": np.append(0, self.item_counts)[rows.item],
        }

    def save(self, path: Path) -> None:
        """Writes the encoder as JSON."""
        values = {
            name: value.tolist() if isinstance(value, np.ndarray) else value
            for name, value in vars(self).items()
        }
        each = self.features.items()
        values["features"] = {name: dataclasses.asdict(known) for name, known in each}
        path.write_text(json.dumps(values))

    @classmethod
    def load(cls, path: Path) -> "FeatureEncoder":
        """Reads an encoder written by `save`."""
        saved = json.loads(path.read_text())
        features = {
            name: Vocabulary.from_plain(known)
            for name, known in saved["features"].items()
        }
        values = {**saved, "scale": tuple(saved["scale"]), "features": features}
        return cls(**values)


def _counted(ids: pd.Series) -> tuple[npt.NDArray[Any], IntArray]:
    """Returns the distinct ids, sorted, and how often each appears."""
    counts = ids.value_counts(sort=False).sort_index()
    return id_array(counts.index), counts.to_numpy(np.int64)


def encode(ratings: Ratings, encoder: FeatureEncoder, rows: IntArray) -> Encoded:
    """Encodes the ratings at some row positions; the result is shared, as in `fit`."""
    key = ("encoded", encoder)
    return ratings.shared.of_rows(key, [rows], lambda: encoder.encode(ratings, rows))
