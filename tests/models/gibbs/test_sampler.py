"""The whole sampler: what was planted is found, and its uncertainty is right."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from cfexp.data.encoding import Encoded, Feature, FeatureSize, FeatureSpec
from cfexp.models.bayes import Bayes
from cfexp.models.gibbs.plan import history, plans_of
from cfexp.models.posterior import Posterior

pytestmark = pytest.mark.slow

USERS, ITEMS, ROWS = 150, 100, 6000
SPEC = FeatureSpec(
    n_users=USERS,
    n_items=ITEMS,
    mean_rating=3.0,
    scale=(-9.0, 15.0),
    user_rows=USERS,
    item_rows=ITEMS,
)


def encoded(pairs: np.ndarray, rating: np.ndarray) -> Encoded:
    """Returns rows of some pairs, numbered ``user * ITEMS + item``."""
    return Encoded(
        user=(pairs // ITEMS).astype(np.int32),
        item=(pairs % ITEMS).astype(np.int32),
        rating=rating.astype(np.float32),
    )


def simulated(noise: np.ndarray) -> tuple[Encoded, Encoded, np.ndarray]:
    """Returns training and test rows of two factors, and the tests' true means."""
    rng = np.random.default_rng(0)
    p, q = rng.normal(size=(USERS, 2)), rng.normal(size=(ITEMS, 2))
    mean = (
        3 + 0.5 * rng.normal(size=(USERS, 1)) + 0.5 * rng.normal(size=ITEMS) + p @ q.T
    )
    pairs = rng.permutation(USERS * ITEMS)[: 2 * ROWS]
    true = mean.ravel()[pairs]
    rating = true + noise[pairs // ITEMS] * rng.normal(size=2 * ROWS)
    train, test = (
        encoded(pairs[:ROWS], rating[:ROWS]),
        encoded(pairs[ROWS:], rating[ROWS:]),
    )
    return train, test, true[ROWS:]


def posterior(model: Bayes, train: Encoded, spec: FeatureSpec = SPEC) -> Posterior:
    """Returns the samples that a model keeps."""
    sampler = model.sampler(train, spec, seed=0)
    found = []
    for number in range(1, model.sweeps + 1):
        sampler.sweep()
        if number in model.kept:
            found.append(sampler.sample())
    return sampler.average(found)


def test_factors_and_uncertainty() -> None:
    noise = np.where(np.arange(USERS) % 2, 0.3, 0.9)
    train, test, true = simulated(noise)
    model = Bayes(embed_dim=3, sweeps=120, burn_in=40, keep=40, history=())
    found = posterior(model, train)
    assert found.n_samples == 40
    error = found.predict(test) - true
    assert np.sqrt(np.mean(error**2)) < 0.3  # that of the biases alone: 1.4
    # 90 % of the ratings lie in their 90 % interval, nearly so for both kinds of users.
    z = np.abs(test.rating - found.predict(test)) / found.std(test)
    assert np.mean(z < 1.645) == pytest.approx(0.9, abs=0.02)
    for kind in (0, 1):
        covered = np.mean(z[test.user % 2 == kind] < 1.645)
        assert covered == pytest.approx(0.9, abs=0.06)


def test_ordinal_ratings() -> None:
    """Levels that are no equal steps: their mean is predicted, not the latent one."""
    train, test, _ = simulated(np.full(USERS, 0.5))
    levels = np.array([1.0, 2.0, 3.0, 5.0])

    def as_levels(rows: Encoded) -> Encoded:
        rating = levels[np.searchsorted([1.5, 3.0, 4.0], rows.rating)]
        return encoded(rows.user * ITEMS + rows.item, rating)

    train, test = as_levels(train), as_levels(test)
    errors = {}
    for likelihood in ("ordinal", "gaussian"):
        model = Bayes(
            embed_dim=3,
            sweeps=240,
            burn_in=180,
            keep=30,
            history=(),
            noise="shared",
            likelihood=likelihood,
        )
        found = posterior(model, train)
        predicted = found.predict(test)
        errors[likelihood] = np.sqrt(np.mean((predicted - test.rating) ** 2))
        expected = np.mean(found.std(test) ** 2)
        assert np.mean((predicted - test.rating) ** 2) == pytest.approx(
            expected, rel=0.15
        )
    assert errors["ordinal"] < 0.97 * errors["gaussian"]


def test_history_predicts_users_of_few_ratings() -> None:
    """Who rates movies of one kind likes them: known of users without any bias."""
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 2, USERS)
    liked = np.arange(ITEMS) % 2
    rows = []
    for user in range(1, USERS):
        n = 8 if user < 50 else 60
        own = np.flatnonzero(liked == kind[user])
        chosen = np.where(
            rng.random(n) < 0.9, rng.choice(own, n), rng.integers(0, ITEMS, n)
        )
        rows += [user * ITEMS + item for item in np.unique(chosen)]
    pairs = np.array(rows)
    match = kind[pairs // ITEMS] == liked[pairs % ITEMS]
    train = encoded(
        pairs, 3 + np.where(match, 1.0, -1.0) + 2 * rng.normal(size=len(pairs))
    )
    others = np.setdiff1d(np.arange(ITEMS, 50 * ITEMS), pairs)
    test = encoded(
        others, np.where(kind[others // ITEMS] == liked[others % ITEMS], 4.0, 2.0)
    )
    errors = []
    for sides in ((), ("user", "item")):
        model = Bayes(embed_dim=2, sweeps=100, burn_in=40, keep=30, history=sides)
        predicted = posterior(model, train).predict(test)
        errors.append(np.sqrt(np.mean((predicted - test.rating) ** 2)))
    assert errors[1] < 0.8 * errors[0], errors


def test_history_is_of_the_given_rows() -> None:
    found = history(np.array([1, 1, 2]), np.array([0, 3, 3]), (4, 5))
    expected = np.zeros((4, 5))
    expected[1, [0, 3]], expected[2, 3] = 0.5**0.5, 1
    np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize("likelihood", ["gaussian", "ordinal"])
def test_saved_samples_predict_the_same(likelihood: str, tmp_path: Path) -> None:
    train, test, _ = simulated(np.full(USERS, 0.5))
    train = encoded(
        train.user * ITEMS + train.item, np.clip(train.rating.round(), 1, 5)
    )
    model = Bayes(embed_dim=2, sweeps=6, burn_in=2, keep=3, likelihood=likelihood)
    train, test = (
        with_feature(
            with_feature(rows, "group", "user", rows.user % 5),
            "day",
            "row",
            rows.item % 3,
        )
        for rows in (train, test)
    )
    found = posterior(model, train)
    found.save(tmp_path)
    again = Posterior.load(tmp_path)
    for part in ("predict", "std"):
        np.testing.assert_array_equal(
            getattr(again, part)(test), getattr(found, part)(test)
        )
    assert again.n_parameters == found.n_parameters


def test_the_same_seed_gives_the_same_samples() -> None:
    train, test, _ = simulated(np.full(USERS, 0.5))
    model = Bayes(embed_dim=2, sweeps=3, burn_in=1)
    np.testing.assert_array_equal(
        posterior(model, train).predict(test), posterior(model, train).predict(test)
    )


def test_samples_are_evenly_spaced() -> None:
    assert Bayes(sweeps=200, burn_in=20, keep=3).kept == {200, 140, 80}
    assert Bayes(sweeps=5, burn_in=2, keep=9).kept == {3, 4, 5}


def with_feature(rows: Encoded, name: str, of: str, value: np.ndarray) -> Encoded:
    """Returns rows with a feature that has one value for each row."""
    table = csr_matrix(np.eye(value.max() + 1, dtype=np.float32))
    feature = Feature(of=of, row=value.astype(np.int32), table=table)
    return replace(rows, features={**rows.features, name: feature})


def test_features_predict_unknown_users() -> None:
    """From their own values, and users who are known from those that a request says."""
    rng = np.random.default_rng(0)
    group = rng.integers(1, 4, USERS)
    taste = 1.5 * rng.normal(size=(4, ITEMS))
    pairs = rng.permutation(np.arange(ITEMS, USERS * ITEMS))[:ROWS]
    user, item = pairs // ITEMS, pairs % ITEMS
    rating = 3 + taste[group[user], item] + 0.5 * rng.normal(size=ROWS)
    train = with_feature(encoded(pairs, rating), "group", "user", group[user])
    model = Bayes(embed_dim=3, sweeps=60, burn_in=30, keep=20, history=())
    spec = replace(SPEC, features={"group": FeatureSize("user", 4, 4)})
    found = posterior(model, train, spec)
    new = encoded(np.arange(ITEMS), np.full(ITEMS, np.nan))  # of the unknown user
    for each in (1, 2, 3):
        rows = with_feature(new, "group", "user", np.full(ITEMS, each))
        error = found.predict(rows) - (3 + taste[each])
        assert np.sqrt(np.mean(error[1:] ** 2)) < 0.5  # without: 1.2
    unknown = with_feature(new, "group", "user", np.zeros(ITEMS, int))
    assert found.std(unknown)[1:].mean() > found.std(rows)[1:].mean()


def test_sessions() -> None:
    """Users in a good mood on one day: only known ones of that day are predicted so."""
    train, test, true = simulated(np.full(USERS, 0.3))
    rng = np.random.default_rng(1)
    mood = rng.normal(size=(USERS, 3))
    days = rng.integers(1, 3, ROWS), rng.integers(1, 3, ROWS)
    train = replace(train, rating=train.rating + mood[train.user, days[0]].astype("f4"))
    spec = replace(SPEC, features={"day": FeatureSize("row", 3, 3)})
    model = Bayes(embed_dim=3, sweeps=80, burn_in=40, keep=20, history=())
    found = posterior(model, with_feature(train, "day", "row", days[0]), spec)
    on_days = found.predict(with_feature(test, "day", "row", days[1]))
    never = found.predict(with_feature(test, "day", "row", np.zeros(ROWS, int)))
    there = true + mood[test.user, days[1]]
    assert np.sqrt(np.mean((on_days - there) ** 2)) < 0.6
    assert np.sqrt(np.mean((never - there) ** 2)) > 0.8


def test_plans_hold_features_of_training_rows() -> None:
    train = encoded(np.array([ITEMS + 4, 2 * ITEMS + 5, ITEMS + 6]), np.zeros(3))
    train = with_feature(train, "age", "user", np.array([3, 1, 3]))
    train = with_feature(train, "day", "row", np.array([1, 1, 2]))
    users, items, sessions = plans_of(train, SPEC, ("item",))
    assert users.features["age"][:4].argmax(1).tolist() == [0, 3, 1, 0]
    assert users.history is None
    assert items.history is not None
    assert (sessions.of, sessions.n) == ("day", 4)
    assert sessions.index.tolist() == [1, 3, 2]
