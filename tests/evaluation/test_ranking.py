"""Ranking measures agree with ir-measures, which calls trec_eval."""

import ir_measures
import numpy as np
import numpy.typing as npt
import pytest
from ir_measures import AP, RR, P, R, ScoredDoc, Success, nDCG

import cfexp
from cfexp.data.ratings import RATING, USER
from cfexp.data.top import NONE, top_k
from cfexp.errors import TrainingError
from cfexp.evaluation.ranking import Hits, rated_ndcg
from cfexp.evaluation.settings import EvaluationSettings
from cfexp.models.trained_on import fit_baselines
from cfexp.training.held_out import HeldOut, scores

K = 10
THEIRS = {
    "ndcg": nDCG @ K,
    "recall": R @ K,
    "precision": P @ K,
    "hit_rate": Success @ K,
    "mrr": RR @ K,
    "map": AP @ K,
}
Table = npt.NDArray[np.generic]


def theirs(relevant: Table, order: Table, measure: object) -> list[float]:
    """Returns the measure of each user's list by ir-measures."""
    qrels = [
        ir_measures.Qrel(f"{u:06}", str(i), int(relevant[u, i]))
        for u, i in zip(*np.nonzero(relevant), strict=True)
    ]
    run = [
        ScoredDoc(f"{u:06}", str(i), -float(place))
        for u, row in enumerate(order)
        for place, i in enumerate(row)
        if i != NONE
    ]
    found = {m.query_id: m.value for m in ir_measures.iter_calc([measure], qrels, run)}
    return [found[f"{u:06}"] for u in range(len(relevant))]


@pytest.mark.parametrize("n_items", [4, 60])  # fewer movies than places, and more
@pytest.mark.parametrize("levels", [3, 1000])  # many equal scores, and few
def test_measures_are_those_of_ir_measures(n_items: int, levels: int) -> None:
    rng = np.random.default_rng(n_items + levels)
    relevant = rng.random((200, n_items)) < 0.2
    relevant[np.arange(200), rng.integers(0, n_items, 200)] = True
    score = rng.integers(-levels, levels, relevant.shape).astype(np.float32)
    score[rng.random(score.shape) < 0.2] = -np.inf
    order = top_k(score, rng.permutation(n_items), K)
    hit = np.where(order == NONE, False, np.take_along_axis(relevant, order, 1))
    found = Hits(hit, relevant.sum(1)).measures()
    assert found.keys() == THEIRS.keys()
    for name, measure in THEIRS.items():
        expected = theirs(relevant, order, measure)
        np.testing.assert_allclose(found[name], expected, atol=1e-9, err_msg=name)


def test_rated_ndcg_is_that_of_ir_measures() -> None:
    rng = np.random.default_rng(0)
    user = rng.integers(0, 50, 600)
    rating = rng.integers(1, 6, 600).astype(float)
    score = rng.permutation(600).astype(float)
    users, found = rated_ndcg(user, rating, score, seed=0)
    gains = {star: 2**star - 1 for star in range(1, 6)}
    rows = list(enumerate(zip(user, rating, score, strict=True)))
    qrels = [ir_measures.Qrel(str(u), str(i), int(r)) for i, (u, r, _) in rows]
    run = [ScoredDoc(str(u), str(i), s) for i, (u, _, s) in rows]
    measure = nDCG(gains=gains) @ 600
    by_user = {
        m.query_id: m.value for m in ir_measures.iter_calc([measure], qrels, run)
    }
    assert len(users) > 40
    expected = [by_user[str(u)] for u in users]
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_top_k_orders_by_score_then_tie() -> None:
    rng = np.random.default_rng(1)
    values = np.array([-np.inf, -2.5, -1.0, -0.0, 0.0, 1e-30, 3.5, 3.5000002], "f4")
    score = rng.choice(values, (300, 40))
    tie = rng.permutation(40)
    found = top_k(score, tie, 15)
    for row, order in zip(score, found, strict=True):
        expected = np.lexsort((-tie, -row))[:15]
        expected[np.isneginf(row[expected])] = NONE
        assert order.tolist() == expected.tolist()


def test_equal_scores_are_not_ordered_by_id() -> None:
    tie = np.random.default_rng(0).permutation(100)
    (order,) = top_k(np.zeros((1, 100)), tie, 100)
    assert sorted(order) == list(range(100))
    assert abs(np.corrcoef(order, np.arange(100))[0, 1]) < 0.3


def test_a_score_that_is_no_number_is_refused() -> None:
    with pytest.raises(TrainingError, match="not a number"):
        top_k(np.array([[1.0, np.nan]]), np.arange(2), 1)


def test_users_with_one_rating_and_without_gain() -> None:
    user = np.array([3, 1, 1, 2, 2])
    rating = np.array([5.0, 0, 0, 1, 2])
    users, ndcg = rated_ndcg(user, rating, np.array([1.0, 2, 1, 2, 1]), seed=0)
    assert users.tolist() == [1, 2]
    worst = (1 + 3 / np.log2(3)) / (3 + 1 / np.log2(3))
    np.testing.assert_allclose(ndcg, [1, worst])


@pytest.mark.realdata
def test_measures_of_ml_100k_are_those_of_ir_measures() -> None:
    data = cfexp.compose("dataset=ml-100k", "split=official", "split.fold=1").load()
    held = HeldOut.of(data, EvaluationSettings(ranking=True), seed=0)
    bias = fit_baselines(data.ratings, data.split.train)["bias"]
    catalogue = held.catalogue
    relevant = catalogue.relevant.toarray()
    score = scores(bias, catalogue, data)
    by_bias = catalogue.recommended(score, 10)
    popular = catalogue.in_order(catalogue.count, 10)
    for lists in (by_bias, popular):
        found = catalogue.measures(lists)
        for name, measure in THEIRS.items():
            expected = theirs(relevant, lists, measure)
            np.testing.assert_allclose(found[name], expected, atol=1e-9, err_msg=name)
    # The order of all users at once is that of each user's own scores.
    order = catalogue.in_order(score(np.zeros(1, np.int64))[0], 10)
    assert np.mean(order == by_bias) > 0.99

    rows = data.ratings.frame.iloc[data.split.test]
    by_user = {str(u): v for u, v in zip(*rated(held, held.scores(bias)), strict=True)}
    rating, user = rows[RATING].to_numpy(int), rows[USER].to_numpy()
    # Equal scores are ordered by the seed, which trec_eval would do by id.
    tie = np.random.default_rng(held.seed).permutation(len(rows))
    place = np.argsort(np.lexsort((tie, -held.scores(bias))))
    run = zip(user, -place.astype(float), strict=True)
    gains = {star: 2**star - 1 for star in range(1, 6)}
    pairs = enumerate(zip(user, rating, strict=True))
    measured = ir_measures.iter_calc(
        [nDCG(gains=gains) @ 1000],
        [ir_measures.Qrel(str(u), str(i), r) for i, (u, r) in pairs],
        [ir_measures.ScoredDoc(str(u), str(i), s) for i, (u, s) in enumerate(run)],
    )
    theirs_by_user = {m.query_id: m.value for m in measured}
    assert len(by_user) > 400
    for name, value in by_user.items():
        assert value == pytest.approx(theirs_by_user[name], abs=1e-9)


def rated(held: HeldOut, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the users of the protocol ``rated``, and the NDCG of each."""
    lists = held.catalogue.in_order(held.catalogue.count, held.k)
    found = held.ranked(lists, score)
    return found.rated_users, found.rated
