"""Synthetic ratings of MovieLens' shape, with planted factors and genre effects."""

import math
from typing import Annotated

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field

from cfexp.data.cache import cached
from cfexp.data.dataset import Dataset
from cfexp.data.ratings import GENRES, ITEM, RATING, TIMESTAMP, TITLE, USER, Ratings
from cfexp.errors import ConfigError

GENRE_NAMES = [
    "Action",
    "Adventure",
    "Animation",
    "Children",
    "Comedy",
    "Crime",
    "Documentary",
    "Drama",
    "Fantasy",
    "Film-Noir",
    "Horror",
    "Musical",
    "Mystery",
    "Romance",
    "Sci-Fi",
    "Thriller",
    "War",
    "Western",
]
CHUNK = 1_000_000
MAX_DENSITY = 0.25  # largest share of all pairs that are rated


class Synthetic(Dataset):
    """Ratings ``mean + user bias + item bias + taste(user, item) + noise``.

    Taste is the product of planted latent factors plus the user's liking for the
    movie's genres. Activity and popularity have long tails.

    Attributes:
        n_ratings: Number of ratings, each of a different pair.
        n_users: Number of users; if None, grows with `n_ratings` as in MovieLens.
        n_items: Number of movies; if None, grows with `n_ratings` as in MovieLens.
        n_factors: Number of planted latent factors.
        noise: Standard deviation of the noise, in stars.
        half_stars: Scale 0.5 to 5 in half stars instead of 1 to 5 in whole ones.
        data_seed: Seed of the data, apart from the seed of the run.
    """

    n_ratings: Annotated[int, Field(ge=100, le=50_000_000)] = 100_000
    n_users: Annotated[int, Field(ge=2)] | None = None
    n_items: Annotated[int, Field(ge=2)] | None = None
    n_factors: Annotated[int, Field(ge=1, le=64)] = 3
    noise: Annotated[float, Field(ge=0, le=2)] = 0.6
    half_stars: bool = False
    data_seed: Annotated[int, Field(ge=0)] = 0

    def shape(self) -> tuple[int, int]:
        """Returns the numbers of users and movies.

        The exponents interpolate between the shapes of ml-100k and ml-25m. If that
        shape is denser than `MAX_DENSITY`, the numbers that are None are increased.
        """
        growth = self.n_ratings / 100_000
        n_users = self.n_users or max(20, round(943 * growth**0.93))
        n_items = self.n_items or max(40, round(1682 * growth**0.645))
        lacking = max(1.0, self.n_ratings / MAX_DENSITY / (n_users * n_items))
        free = (self.n_users is None) + (self.n_items is None)
        if self.n_users is None:
            n_users = math.ceil(n_users * lacking ** (1 / free))
        if self.n_items is None:
            n_items = math.ceil(n_items * lacking ** (1 / free))
        return n_users, n_items

    def problems(self) -> list[str]:
        n_users, n_items = self.shape()
        if self.n_ratings <= MAX_DENSITY * n_users * n_items:
            return []
        return [
            f"n_ratings must be at most a quarter of all pairs, {n_users} users *"
            f" {n_items} movies. Got: {self.n_ratings}"
        ]

    def load(self) -> Ratings:
        """Generates the dataset, or reads it from the cache."""
        return cached(self, [], self._make)

    def _scale(self) -> tuple[float, float]:
        return (0.5, 5.0) if self.half_stars else (1.0, 5.0)

    def _make(self) -> Ratings:
        n_users, n_items = self.shape()
        rng = np.random.default_rng([self.data_seed, 0xDA7A])
        pairs = _long_tailed_pairs(self.n_ratings, n_users, n_items, rng)
        user, item = (pairs // n_items), (pairs % n_items)
        has_genre = _genres(n_items, rng)
        rating = self._rate(user, item, n_users, has_genre, rng)
        joined = np.array(GENRE_NAMES, object)
        year = rng.integers(1930, 2000, n_items)
        movies = pd.DataFrame(
            {
                ITEM: np.arange(1, n_items + 1),
                TITLE: [f"Movie {i} ({y})" for i, y in enumerate(year, start=1)],
                GENRES: ["|".join(joined[row]) for row in has_genre],
            }
        ).astype({TITLE: "str", GENRES: "str"})
        first_seen = rng.integers(860_000_000, 890_000_000, n_users)
        timestamp = first_seen[user] + rng.integers(0, 20_000_000, len(user))
        # Exact in 32 bits, and half the memory, which matters from 25 million ratings.
        frame = pd.DataFrame(
            {
                USER: (user + 1).astype(np.int32),
                ITEM: (item + 1).astype(np.int32),
                RATING: rating.astype(np.float32),
                TIMESTAMP: timestamp.astype(np.int32),
            }
        )
        return Ratings("synthetic", frame, movies, self._scale())

    def _rate(
        self,
        user: npt.NDArray[np.int64],
        item: npt.NDArray[np.int64],
        n_users: int,
        has_genre: npt.NDArray[np.bool_],
        rng: np.random.Generator,
    ) -> npt.NDArray[np.float64]:
        n_items, n_genres = has_genre.shape
        width = self.n_factors
        user_bias = rng.normal(0, 0.35, (n_users,))
        item_bias = rng.normal(0, 0.4, (n_items,))
        factors = rng.normal(0, 0.8 / width**0.25, (n_users, width))
        loadings = rng.normal(0, 0.8 / width**0.25, (n_items, width))
        liking = rng.normal(0, 0.45, (n_users, n_genres))
        share = has_genre / np.sqrt(has_genre.sum(axis=1, keepdims=True).clip(1))
        user_side = np.hstack([factors, liking]).astype(np.float32)
        item_side = np.hstack([loadings, share]).astype(np.float32)
        rating = np.empty(len(user), np.float64)
        for start in range(0, len(user), CHUNK):
            u, i = user[start : start + CHUNK], item[start : start + CHUNK]
            taste = np.einsum("nk,nk->n", user_side[u], item_side[i])
            noise: npt.NDArray[np.float64] = rng.normal(0, self.noise, len(u))
            stars = 3.5 + user_bias[u] + item_bias[i] + taste + noise
            step = 0.5 if self.half_stars else 1.0
            rating[start : start + CHUNK] = np.round(stars / step) * step
        return rating.clip(*self._scale())


def _genres(n_items: int, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Returns which movie has which genre, shape ``(n_items, n_genres)``.

    About one movie in 50 has none.
    """
    weight = 1 / np.arange(1, len(GENRE_NAMES) + 1) ** 0.7
    rarity = rng.permutation(weight / weight.max())
    has_genre = rng.random((n_items, len(GENRE_NAMES))) < 0.3 * rarity
    bare = ~has_genre.any(axis=1)
    main = rng.choice(len(GENRE_NAMES), n_items, p=rarity / rarity.sum())
    has_genre[bare, main[bare]] = True
    has_genre[rng.random(n_items) < 0.02] = False
    return has_genre


def _long_tailed_pairs(
    n_pairs: int, n_users: int, n_items: int, rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Draws distinct pairs, coded ``user * n_items + item``, in ascending order.

    Raises:
        ConfigError: 200 rounds of draws did not give so many distinct pairs.
    """
    activity = np.cumsum(rng.lognormal(0, 1, n_users))
    popularity = np.cumsum(rng.lognormal(0, 1.4, n_items))
    pairs = np.empty(0, np.int64)
    for _ in range(200):
        missing = n_pairs - len(pairs)
        if missing <= 0:
            break
        draws = int(missing * 1.2) + 100
        user = np.searchsorted(activity, rng.random(draws) * activity[-1])
        item = np.searchsorted(popularity, rng.random(draws) * popularity[-1])
        pairs = np.sort(np.concatenate([pairs, user * n_items + item]))
        # Five times as fast as np.unique, which hashes before it sorts.
        pairs = pairs[np.append(True, pairs[1:] != pairs[:-1])]
    if len(pairs) < n_pairs:
        raise ConfigError(
            f"dataset: found only {len(pairs)} of n_ratings={n_pairs} different pairs"
            f" of {n_users} users and {n_items} movies. Ask for fewer ratings, or more"
            " users and movies."
        )
    surplus = rng.choice(len(pairs), len(pairs) - n_pairs, replace=False)
    return np.delete(pairs, surplus)
