"""The sampler's parts: each draws from the distribution that it should."""

import numpy as np
import pytest
import tensorflow as tf
from scipy.stats import norm

from cfexp.models.gibbs import degrees
from cfexp.models.gibbs.degrees import grouped
from cfexp.models.gibbs.noise import Noise
from cfexp.models.gibbs.ordinal import Ordinal
from cfexp.models.gibbs.prior import Coefficients, Prior
from cfexp.models.gibbs.randomness import Randomness
from cfexp.models.gibbs.side import (
    Given,
    Side,
    combined,
    draw,
    moments,
    squared_errors,
)


@pytest.fixture
def rng() -> np.random.Generator:
    """Random data, the same for each test."""
    return np.random.default_rng(0)


@pytest.mark.parametrize("most", [150, 6_000_000])
def test_tables_hold_each_row_once(
    rng: np.random.Generator, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(degrees, "MAX_NUMBERS", most)
    index = rng.zipf(1.5, 3000).clip(1, 60).astype(np.int32) - 1
    found = grouped(index, 70, 3)
    lines = np.concatenate(
        [
            np.pad(t, ((0, 0), (0, 3000 - t.shape[1])), constant_values=3000)
            for t in (table.rows.numpy() for table in found.tables)
        ]
    )[found.place.numpy()]
    users = np.concatenate([table.users.numpy() for table in found.tables])
    assert users[found.place.numpy()].tolist() == list(range(70))
    for user in range(70):
        rows = lines[user][lines[user] < 3000]
        assert rows.tolist() == np.flatnonzero(index == user).tolist()
    shapes = [table.rows.shape for table in found.tables]
    assert sum(n * width for n, width in shapes) < 1.5 * 3000 + 4 * 70
    assert all(n == 1 or 3 * n * max(width, 3) <= most for n, width in shapes)


def test_wishart_mean() -> None:
    random = Randomness(0)
    inverse = np.array([[2.0, 0.5], [0.5, 1.0]], np.float32)
    draw = tf.function(
        lambda: random.wishart(tf.constant(inverse), tf.constant(7.0)), autograph=False
    )
    draws = [draw() for _ in range(4000)]
    expected = 7 * np.linalg.inv(inverse)
    np.testing.assert_allclose(np.mean(draws, 0), expected, rtol=0.05)


def test_gamma_and_streams() -> None:
    random = Randomness(3)
    draws = random.gamma(tf.fill([20_000], 5.0), tf.constant(2.0)).numpy()
    assert draws.mean() == pytest.approx(2.5, rel=0.02)
    assert draws.var() == pytest.approx(1.25, rel=0.05)
    np.testing.assert_array_equal(
        Randomness(3).normal((5,)), Randomness(3).normal((5,))
    )
    assert Randomness(3).normal(()) != Randomness(4).normal(())


@pytest.fixture
def three_sides(rng: np.random.Generator) -> list[Side]:
    """Users, movies and days of 400 ratings."""
    random = Randomness(0)
    sides = [
        Side(rng.integers(0, n, 400).astype(np.int32), n, 3, [], random)
        for n in (20, 30, 5)
    ]
    for side in sides:
        side.vectors.assign(random.normal(side.vectors.shape))
    return sides


def in_table(side: Side) -> tf.Tensor:
    """Returns the positions of each user's rows in one table."""
    index = side.index.numpy()[:-1]
    rows = np.full((side.n, 400), 400, np.int32)
    for user in range(side.n):
        own = np.flatnonzero(index == user)
        rows[user, : len(own)] = own
    return tf.constant(rows)


@pytest.mark.parametrize("weighted", [True, False])
def test_moments_are_sums_over_ratings(
    rng: np.random.Generator, three_sides: list[Side], weighted: bool
) -> None:
    users, *others = three_sides
    target = rng.normal(size=401).astype(np.float32)
    weight = np.append(rng.random(400) if weighted else np.ones(400), 0)
    weights = tf.constant(weight, tf.float32) if weighted else None
    given = Given(tf.constant(target), weights)
    found = moments(in_table(users), others, given).numpy()
    expected = np.zeros((20, 5, 5))
    for row in range(400):
        a, b = (o.vectors.numpy()[o.index.numpy()[row]] for o in others)
        left = target[row] - a[0] - b[0] - a[1:] @ b[1:]
        one = np.array([1, *(a + b)[1:], left])
        expected[users.index.numpy()[row]] += weight[row] * np.outer(one, one)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("most", [200, 32_000_000])
def test_tables_do_not_change_samples(
    rng: np.random.Generator,
    three_sides: list[Side],
    most: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However many there are: all users are sampled as if in one table."""
    users, *others = three_sides
    monkeypatch.setattr(degrees, "MAX_NUMBERS", most)
    users.rows = degrees.grouped(users.index.numpy()[:-1], 20, 5)
    target = tf.constant(rng.normal(size=401), tf.float32)
    own = tf.constant(1 + rng.random(20), tf.float32)
    sums = moments(in_table(users), others, Given(target)) * own[:, None, None]
    precision = tf.identity(users.prior.precision)
    toward, noise = tf.zeros((20, 4)), Randomness(7).normal((20, 4))
    expected = draw(sums, precision, toward, noise)
    squares = users.sample(others, Given(target, own=own), Randomness(7))
    np.testing.assert_allclose(users.vectors, expected, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(squares, squared_errors(sums, expected), rtol=1e-3)


def test_squared_errors(rng: np.random.Generator) -> None:
    rows, vector = rng.normal(size=(30, 4)), rng.normal(size=3)
    sums = tf.constant((rows.T @ rows)[None], tf.float32)
    found = squared_errors(sums, tf.constant(vector[None], tf.float32))
    expected = np.sum((rows[:, 3] - rows[:, :3] @ vector) ** 2)
    np.testing.assert_allclose(found, [expected], rtol=1e-4)


def test_rating_is_that_of_a_factorisation_machine(three_sides: list[Side]) -> None:
    rows = tf.range(400)
    vectors = [side.of_rows(rows) for side in three_sides]
    u, i, d = (v.numpy() for v in vectors)
    pairs = [(u, i), (u, d), (i, d)]
    expected = u[:, 0] + i[:, 0] + d[:, 0]
    expected += sum((a[:, 1:] * b[:, 1:]).sum(1) for a, b in pairs)
    np.testing.assert_allclose(combined(vectors)[1], expected, rtol=1e-4, atol=1e-4)


def test_vectors_follow_their_posterior(rng: np.random.Generator) -> None:
    """With a fixed prior: mean and variance of a Bayesian linear regression."""
    z, y = rng.normal(size=50), rng.normal(size=50)
    rows = np.stack([np.ones(50), z, y], 1)
    sums = tf.constant((4 * rows.T @ rows)[None], tf.float32)
    toward, noise = tf.zeros((4000, 2)), Randomness(2).normal((4000, 2))
    draws = draw(tf.tile(sums, (4000, 1, 1)), 10 * tf.eye(2), toward, noise).numpy()
    precision = 4 * rows[:, :2].T @ rows[:, :2] + 10 * np.eye(2)
    mean = np.linalg.solve(precision, 4 * rows[:, :2].T @ y)
    np.testing.assert_allclose(np.mean(draws, 0), mean, atol=0.01)
    np.testing.assert_allclose(
        np.cov(np.transpose(draws)), np.linalg.inv(precision), atol=1e-3
    )


@pytest.mark.parametrize("shape", [(12, 4), (4, 12)], ids=["tall", "wide"])
def test_coefficients_follow_a_ridge_regression(
    rng: np.random.Generator, shape: tuple[int, int]
) -> None:
    table = rng.normal(size=shape).astype(np.float32)
    target = rng.normal(size=(shape[0], 1)).astype(np.float32)
    # Columns of a diagonal precision are draws of their own.
    group, n = Coefficients(table, 200), 30
    random, precision = Randomness(0), 2 * tf.eye(200)
    draws = np.empty((n, shape[1], 200))
    for drawn in draws:
        group.precision.assign(3.0)
        group.sample(tf.tile(target, (1, 200)), precision, random)
        drawn[:] = group.value.numpy()
    draws = np.moveaxis(draws, 1, 2).reshape(-1, shape[1])
    ridge = table.T @ table + 3 * np.eye(shape[1])
    expected = np.linalg.solve(ridge, table.T @ target)[:, 0]
    np.testing.assert_allclose(np.mean(draws, 0), expected, atol=0.03)
    covariance = np.linalg.inv(ridge) / 2
    np.testing.assert_allclose(np.cov(np.transpose(draws)), covariance, atol=0.02)


def test_prior_learns_from_features(rng: np.random.Generator) -> None:
    """The coefficients that vectors were made with, and the precision of the rest."""
    table = rng.normal(size=(2000, 2)).astype(np.float32)
    true = np.array([[1.0, -2.0], [0.5, 0.0]])
    vectors = 0.3 + table @ true + 0.5 * rng.normal(size=(2000, 2))
    prior, random = Prior(2000, 2, [table]), Randomness(0)
    draws = []
    for number in range(150):
        prior.sample(tf.constant(vectors, tf.float32), random)
        if number >= 50:
            value = prior.coefficients[0].value.numpy()
            draws.append((value, prior.mean.numpy(), prior.precision.numpy()))
    value, mean, precision = (np.mean(each, 0) for each in zip(*draws, strict=True))
    np.testing.assert_allclose(value, true, atol=0.05)
    np.testing.assert_allclose(mean, 0.3, atol=0.05)
    np.testing.assert_allclose(precision, 4 * np.eye(2), atol=0.4)


@pytest.mark.parametrize("by_user", [True, False])
def test_noise_of_careful_and_careless_users(
    rng: np.random.Generator, by_user: bool
) -> None:
    deviation = np.repeat([0.5, 1.0], 20)
    errors = deviation[:, None] * rng.normal(size=(40, 200))
    squares = tf.constant((errors**2).sum(1), tf.float32)
    noise, random = Noise(40, by_user=by_user, fixed=False), Randomness(0)
    draws = []
    for _ in range(200):
        noise.sample(squares, tf.fill([40], 200.0), random)
        draws.append(noise.of_users().numpy())
    found = np.mean(draws[20:], 0)
    expected = 1 / deviation**2 if by_user else np.full(40, 1 / np.mean(deviation**2))
    np.testing.assert_allclose(found, expected, rtol=0.5)
    np.testing.assert_allclose(found[:20].mean(), expected[:20].mean(), rtol=0.06)


def test_fixed_noise_stays() -> None:
    noise = Noise(3, by_user=False, fixed=True)
    noise.sample(tf.fill([3], 50.0), tf.fill([3], 10.0), Randomness(0))
    np.testing.assert_array_equal(noise.of_users(), [1, 1, 1])


@pytest.mark.slow
def test_cutpoints_and_latent_ratings_are_recovered(rng: np.random.Generator) -> None:
    n = 8000
    rating = rng.normal(size=n).astype(np.float32)
    cuts = np.array([-1.5, -0.2, 0.4, 1.3])
    level = np.searchsorted(cuts, rating + rng.normal(size=n)).astype(np.int32)
    ordinal, random = Ordinal(level, 5), Randomness(0)
    draws = []
    for number in range(300):
        latent = ordinal.latent(tf.constant(rating), tf.ones(n), random).numpy()
        if number >= 100:
            draws.append(ordinal.cutpoints.numpy())
        ends = np.array([-1e3, *ordinal.cutpoints.numpy(), 1e3], np.float32)
        assert (latent >= ends[level]).all()
        assert (latent <= ends[level + 1]).all()
    assert len(np.unique(draws, axis=0)) > 50
    np.testing.assert_allclose(np.mean(draws, 0), cuts, atol=0.06)
    # Of all levels together the latent ratings are normal around the model's.
    left = np.sort(latent - rating)
    assert np.abs(norm.cdf(left) - np.linspace(0, 1, n)).max() < 0.03
