"""Synthetic ratings: deterministic, shaped like MovieLens, with planted structure."""

import numpy as np
import pytest
from small_data import synthetic

from cfexp.errors import ConfigError


def test_synthetic_is_deterministic_and_shaped_like_movielens() -> None:
    spec = synthetic(20_000, n_users=None, n_items=None)
    one, other = spec.load(), spec.load()
    assert one.fingerprint == other.fingerprint
    assert len(one.frame) == 20_000
    assert not one.frame.duplicated(["userId", "movieId"]).any()
    assert set(one.frame["rating"]) == {1.0, 2.0, 3.0, 4.0, 5.0}
    counts = one.frame["movieId"].value_counts()
    assert counts.head(len(counts) // 5).sum() > 0.5 * len(one.frame)
    other = synthetic(20_000, n_users=None, n_items=None, data_seed=1).load()
    assert other.fingerprint != one.fingerprint


def test_synthetic_half_stars() -> None:
    data = synthetic(half_stars=True).load()
    assert data.scale == (0.5, 5.0)
    assert (data.frame["rating"] * 2 % 1 == 0).all()
    assert (data.frame["rating"] % 1 != 0).any()


def test_synthetic_genres_matter() -> None:
    """A user's rating leans the way of their other ratings of the genre."""
    data = synthetic(20_000, n_users=200, n_items=600, n_factors=1).load()
    genres = data.movies.set_index("movieId")["genres"]
    rows = data.frame.assign(genre=data.frame["movieId"].map(genres))
    rows = rows[rows["genre"].str.count(r"\|") == 0]
    rows["rating"] -= rows.groupby("movieId")["rating"].transform("mean")
    rows["rating"] -= rows.groupby("userId")["rating"].transform("mean")

    def leaning(genre: np.ndarray) -> float:
        groups = rows.groupby(["userId", genre])["rating"]
        others = groups.transform("sum") - rows["rating"]
        return float(np.corrcoef(others, rows["rating"])[0, 1])

    shuffled = np.random.default_rng(0).permutation(rows["genre"].to_numpy())
    assert leaning(rows["genre"].to_numpy()) > leaning(shuffled) + 0.05


@pytest.mark.parametrize("n_ratings", [100, 101, 333, 1000, 2000, 5000, 9000])
@pytest.mark.parametrize("given", [{}, {"n_users": 30}, {"n_items": 50}], ids=str)
def test_synthetic_shapes_fit_few_ratings(
    n_ratings: int, given: dict[str, int]
) -> None:
    names = ("n_users", "n_items")
    spec = synthetic(n_ratings, **{**dict.fromkeys(names), **given})
    data = spec.load()
    assert len(data.frame) == n_ratings
    assert given.items() <= dict(zip(names, spec.shape(), strict=True)).items()


def test_synthetic_says_when_it_is_too_dense() -> None:
    with pytest.raises(ConfigError, match="at most a quarter of all pairs"):
        synthetic(10_000)
