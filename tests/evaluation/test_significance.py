"""Comparisons hold their level: what they find between systems of equal quality."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cfexp.errors import DataError
from cfexp.evaluation.rows import by_user
from cfexp.evaluation.significance import (
    UserErrors,
    against_reference,
    half_width,
    holm,
    paired_t,
)


def frame(
    user: list[object], item: list[int], error: list[float], rating: float = 3.0
) -> pd.DataFrame:
    """Returns one run's errors."""
    return pd.DataFrame(
        {"userId": user, "movieId": item, "rating": rating, "error": error}
    )


def planted(shift: float, users: int = 200, rows: int = 20) -> UserErrors:
    """Returns errors of two systems, the second `shift` worse."""
    rng = np.random.default_rng(0)
    own = rng.normal(0, 0.5, users).repeat(rows)
    error = np.abs(rng.normal(0, 1, users * rows)) + own
    user = np.arange(users).repeat(rows).tolist()
    item = np.tile(np.arange(rows), users).tolist()
    runs = [[frame(user, item, (error + s).tolist())] for s in (0, shift)]
    return by_user(["x", "y"], runs)[0]


def test_a_row_counts_once_and_a_user_once() -> None:
    """Seeds that test a row are averaged in it; folds add rows to their users."""
    # Two seeds of a random split, whose test rows overlap in (b, 1).
    x = [frame(["a", "b"], [1, 1], [1, 3]), frame(["b", "b"], [1, 2], [-1, 2])]
    y = [frame(["b", "a"], [1, 1], [0, 2]), frame(["b", "b"], [2, 1], [1, 4])]
    found, tested = by_user(["x", "y"], [x, y])
    assert tested == 3
    assert found.rows.tolist() == [1, 2]
    assert found.squared.tolist() == [[1, 4], [(9 + 1) / 2 + 4, (0 + 16) / 2 + 1]]
    assert found.absolute.tolist() == [[1, 2], [(3 + 1) / 2 + 2, (0 + 4) / 2 + 1]]
    np.testing.assert_allclose(found.overall("rmse"), np.sqrt([10 / 3, 13 / 3]))
    np.testing.assert_allclose(found.overall("mae"), [5 / 3, 5 / 3])
    assert str(found) == "3 distinct test rows of 2 users"


def test_systems_meet_in_common_rows_only() -> None:
    """With other numbers of seeds, and where one lacks a row that another tests."""
    x = [frame([1, 2], [1, 1], [1, 5])]
    y = [frame([1, 3], [1, 1], [2, 7]), frame([1], [1], [4])]
    found, tested = by_user(["x", "y"], [x, y])
    assert tested == 3
    assert found.rows.tolist() == [1]
    assert found.squared.tolist() == [[1, (4 + 16) / 2]]
    with pytest.raises(DataError, match="no test row in common"):
        by_user(["x", "y"], [x, [frame([9], [1], [0])]])
    with pytest.raises(
        DataError, match="user 1 rated movie 1 with 3 in one and 4.5 in"
    ):
        by_user(["x", "y"], [x, [frame([1], [1], [0], rating=4.5)]])


def test_seeds_that_predict_the_same_add_nothing() -> None:
    """Neither rows nor users, and no certainty."""
    rng = np.random.default_rng(3)
    runs = equal_systems(rng, folds=1, seeds=1)
    one, five = (by_user(["x", "y"], [own * k for own in runs])[0] for k in (1, 5))
    assert str(one) == str(five)
    tables = [against_reference(each, 0, metric="rmse") for each in (one, five)]
    pd.testing.assert_frame_equal(*tables, rtol=1e-9)


@pytest.mark.parametrize("metric", ["rmse", "mae"])
def test_planted_difference_is_found(metric: str) -> None:
    errors = planted(0.05)
    found = against_reference(errors, 0, metric=metric)
    assert found.loc["x", "difference"] == 0
    assert np.isnan(found.loc["x", "p"])
    assert 0 < found.loc["y", "low"] < found.loc["y", "difference"]
    assert found.loc["y", "difference"] < found.loc["y", "high"]
    assert found.loc["y", "p"] < 1e-6
    again = against_reference(errors, 1, metric=metric)
    assert again.loc["x", "high"] == pytest.approx(-found.loc["y", "low"])


def test_same_system_twice_is_no_difference() -> None:
    line = against_reference(planted(0.0), 0, metric="rmse").loc["y"]
    assert line[["difference", "low", "high", "p"]].tolist() == [0, 0, 0, 1]


def test_one_user_tells_nothing() -> None:
    one = UserErrors(["x", "y"], *(np.array(v) for v in ([5.0], [[1, 2]], [[1, 2]])))
    line = against_reference(one, 0, metric="rmse").loc["y"]
    assert line[["low", "high", "p"]].tolist() == [-np.inf, np.inf, 1]


def test_p_is_that_of_the_t_test() -> None:
    errors = planted(0.01, users=30)
    theirs = stats.ttest_rel(errors.squared[:, 1], errors.squared[:, 0]).pvalue
    found = against_reference(errors, 0, metric="rmse").loc["y", "p"]
    assert found == pytest.approx(theirs, rel=1e-9)
    assert paired_t(np.zeros((4, 1))).tolist() == [1]


def test_holm() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == pytest.approx([1, 1])
    p = [0.001, 0.2, 0.03, 0.004]
    assert (np.array(holm(p)) >= p).all()
    assert np.array_equal(stats.rankdata(holm(p)), stats.rankdata(p))


def equal_systems(
    rng: np.random.Generator, *, folds: int, seeds: int, users: int = 60
) -> list[list[pd.DataFrame]]:
    """Returns the runs of two systems that are as good as each other.

    Each system suits each user more or less, by chance, the same for both: exchanging
    the systems within a user changes no distribution. Users have very different
    numbers of rows. A system's seeds share its way with a user and a row, and have
    noise of their own; each seed draws other folds.
    """
    rows = np.ceil(rng.lognormal(2, 1, users)).astype(int)
    user = np.arange(users).repeat(rows)
    item = np.arange(len(user))
    hard = rng.normal(0, 0.8, len(user))
    cuts = [rng.permutation(len(user)) % folds for _ in range(seeds)]
    systems = []
    for _ in range(2):
        own = rng.normal(0, 0.3, users)[user] + rng.normal(0, 0.2, len(user))
        runs = []
        for fold in cuts:
            error = hard + own + rng.normal(0, 0.2, len(user))
            runs += [
                pd.DataFrame(
                    {"userId": user, "movieId": item, "rating": 3.0, "error": error}
                )[fold == k]
                for k in range(folds)
            ]
        systems.append(runs)
    return systems


@pytest.mark.slow
@pytest.mark.parametrize(("folds", "seeds"), [(1, 1), (1, 5), (5, 1), (5, 5)])
def test_equal_systems_differ_in_5_of_100_comparisons(folds: int, seeds: int) -> None:
    """By the interval and by p, within what chance allows in 999 of 1,000 cases."""
    rng = np.random.default_rng([folds, seeds])
    n = 150 if folds * seeds > 5 else 300
    by_interval = by_p = 0
    for draw in range(n):
        errors, _ = by_user(["x", "y"], equal_systems(rng, folds=folds, seeds=seeds))
        line = against_reference(
            errors, 0, metric="rmse", seed=draw, resamples=400
        ).loc["y"]
        by_interval += not line["low"] <= 0 <= line["high"]
        by_p += line["p"] < 0.05
    least, most = stats.binom.interval(0.999, n, 0.05)
    assert least <= by_interval <= most
    assert least <= by_p <= most


def test_p_asks_of_the_error_over_all_rows() -> None:
    """Not of how many users are better off: few users may have most of the rows.

    The second system is better for users with few rows and worse for those with many,
    so that both have the same error over all rows.
    """
    rng = np.random.default_rng(2)
    n, wrong = 400, 0
    for _ in range(n):
        rows = rng.choice([40.0, 10.0, 10.0], 150)
        worse = np.where(rows == 40, 0.05, -0.1) + rng.normal(0, 0.1, 150)
        wrong += paired_t((rows * worse)[:, None])[0] < 0.05
    assert wrong <= stats.binom.ppf(0.9995, n, 0.05)


@pytest.mark.parametrize("users", [15, 100])
def test_interval_covers_the_truth_as_often_as_it_says(users: int) -> None:
    """Over many draws of users with very different numbers of rows."""
    rng = np.random.default_rng(users)
    n, missed = 400, 0
    for draw in range(n):
        rows = np.ceil(rng.lognormal(2, 1, users))
        sums = (rows * rng.gamma(4, 0.25, users))[:, None]
        half = half_width(sums, rows, seed=draw, resamples=400)
        missed += abs(sums.sum() / rows.sum() - 1) > half[0]
    least, most = stats.binom.interval(0.999, n, 0.05)
    assert least <= missed <= most
