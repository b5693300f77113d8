"""Encoders of ids and genres, fitted on training rows only. Index 0 is unknown."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cfexp.data.encoding import Encoded, FeatureSpec, FloatArray
from cfexp.data.ids import id_array, positions
from cfexp.data.ratings import GENRES, ITEM, RATING, USER, IntArray, Ratings
from cfexp.data.text import as_genres
from cfexp.runtime.memo import read_only


@dataclass(frozen=True, eq=False, kw_only=True)
class FeatureEncoder:
    """Maps raw ids and genres to the indices that models take.

    Attributes:
        users: Ids of the users, sorted.
        items: Ids of the movies, sorted.
        user_counts: Number of training ratings of each user.
        item_counts: Number of training ratings of each movie.
        genres: Names of the genres.
        mean_rating: Mean training rating.
        scale: Lowest and highest rating.
        user_rows: Rows of a user table, see `FeatureSpec`.
        item_rows: Rows of a movie table, see `FeatureSpec`.
    """

    users: npt.NDArray[Any]
    items: npt.NDArray[Any]
    user_counts: IntArray
    item_counts: IntArray
    genres: list[str]
    mean_rating: float
    scale: tuple[float, float]
    user_rows: int = 0
    item_rows: int = 0

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
            n_genres=len(self.genres) + 1,
            mean_rating=self.mean_rating,
            scale=self.scale,
            user_rows=self.user_rows,
            item_rows=self.item_rows,
        )

    @classmethod
    def fit(cls, ratings: Ratings, train: npt.NDArray[np.int64]) -> "FeatureEncoder":
        """Learns ids, genres and mean rating from the rows `train`, nothing else.

        The encoder is shared by all who ask for it in this process.
        """
        key = ("encoder", cls)
        return ratings.shared.of_rows(key, [train], lambda: cls._fit(ratings, train))

    @classmethod
    def _fit(cls, ratings: Ratings, train: IntArray) -> "FeatureEncoder":
        rows = ratings.frame.iloc[train]
        users, user_counts = _counted(rows[USER])
        items, item_counts = _counted(rows[ITEM])
        in_train = ratings.movies[GENRES][ratings.movies[ITEM].isin(items)]
        genres = {g for text in in_train.unique() for g in text.split("|") if g}
        return cls(
            users=users,
            items=items,
            user_counts=user_counts,
            item_counts=item_counts,
            genres=sorted(genres),
            mean_rating=float(np.mean(rows[RATING].to_numpy(), dtype=np.float64)),
            scale=ratings.scale,
            # Only the size of the tables: ids outside of train stay unknown.
            user_rows=ratings.n_users + 1,
            item_rows=ratings.n_items + 1,
        )

    def transform(self, rows: pd.DataFrame, movies: pd.DataFrame) -> Encoded:
        """Encodes rows with ``userId``, ``movieId`` and perhaps ``rating``.

        A ``genres`` column in `rows` takes precedence over the genres in `movies`.
        """
        if GENRES in rows.columns:
            genre_row, combinations = pd.factorize(genres_of(rows, movies))
        else:
            # By movie: far fewer than rows. The last entry is for unknown movies.
            by_movie = pd.concat([movies[GENRES], pd.Series([""])])
            movie_row, combinations = pd.factorize(by_movie)
            genre_row = movie_row[positions(rows[ITEM], movies[ITEM])]
        rating = np.full(len(rows), np.nan, np.float32)
        if RATING in rows.columns:
            rating = rows[RATING].to_numpy("float32")
        return Encoded(
            user=(positions(rows[USER], self.users) + 1).astype(np.int32),
            item=(positions(rows[ITEM], self.items) + 1).astype(np.int32),
            genre_row=genre_row.astype(np.int32),
            genre_table=self._multi_hot(list(combinations)),
            rating=rating,
        )

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
        path.write_text(json.dumps(values))

    @classmethod
    def load(cls, path: Path) -> "FeatureEncoder":
        """Reads an encoder written by `save`."""
        saved = json.loads(path.read_text())
        return cls(**{**saved, "scale": tuple(saved["scale"])})

    def _multi_hot(self, combinations: list[str]) -> FloatArray:
        table = np.zeros((max(len(combinations), 1), self.spec.n_genres), np.float32)
        column = {genre: i for i, genre in enumerate(self.genres, start=1)}
        for row, text in enumerate(combinations):
            table[row, [column.get(g, 0) for g in text.split("|")]] = 1
        return table


def genres_of(rows: pd.DataFrame, movies: pd.DataFrame) -> pd.Series:
    """Returns each row's genres, joined by ``|``, empty where unknown."""
    texts = np.append(movies[GENRES].to_numpy(object), "")
    known = texts[positions(rows[ITEM], movies[ITEM])]
    text = pd.Series(known, index=rows.index, dtype="str")
    if GENRES in rows.columns:
        own = rows[GENRES]
        text = as_genres(own).where(own.notna(), text)
    return text


def _counted(ids: pd.Series) -> tuple[npt.NDArray[Any], IntArray]:
    """Returns the distinct ids, sorted, and how often each appears."""
    counts = ids.value_counts(sort=False).sort_index()
    return id_array(counts.index), counts.to_numpy(np.int64)


def encode(ratings: Ratings, encoder: FeatureEncoder, rows: IntArray) -> Encoded:
    """Encodes the ratings at some row positions; the result is shared, as in `fit`."""
    return ratings.shared.of_rows(
        ("encoded", encoder),
        [rows],
        lambda: encoder.transform(ratings.frame.iloc[rows], ratings.movies),
    )
