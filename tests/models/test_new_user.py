"""New users of a trained model: folded in from ratings, without training again."""

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from random_models import encoder, predictor_of, scorer_of, train

from cfexp.data.encoding import RankingLoss
from cfexp.errors import CfexpError
from cfexp.models import AutoRec, Bayes, Bias, Deep, Dot, Fm, Ncf, Svdpp, new_user
from cfexp.models.base import Model, Scorer, scores_of
from cfexp.models.foldable import folding_of
from cfexp.models.members import MembersScorer
from cfexp.models.new_user import NewUser
from cfexp.models.new_users import recommend_to_new
from cfexp.models.scorer import KerasScorer


@cache
def rated(n: int = 12) -> pd.DataFrame:
    """Ratings of a new user: all that is high is of the first movies."""
    movies = encoder().items[:n]
    return pd.DataFrame({"movieId": movies, "rating": np.linspace(5, 1, n).round()})


def test_a_dot_product_gets_the_ridge_solution() -> None:
    """That of ALS with weighted regularisation: l2 counts once for each rating."""
    model = Dot(embed_dim=4, l2=0.1, bias_l2=0.05)
    predictor = predictor_of(model)
    network = predictor.scorer.model  # type: ignore[attr-defined]
    new = predictor.fold_in(rated())
    item = new._rows.item
    vectors = network.get_layer("item_embedding").get_weights()[0][item].astype(float)
    bias = network.get_layer("item_bias").get_weights()[0][item, 0].astype(float)
    expected = float(network.layers[-1].mean.numpy()) + bias
    x = np.column_stack([vectors, np.ones(len(item))])
    penalty = len(item) * np.diag([0.1] * 4 + [0.05])
    target = rated()["rating"].to_numpy() - expected
    own = np.linalg.solve(x.T @ x + penalty, x.T @ target)
    found = new.predict(rated())
    np.testing.assert_allclose(found, (expected + x @ own).clip(1, 5), atol=2e-3)
    assert not np.allclose(found, expected.clip(1, 5), atol=0.1)


def test_a_bias_is_that_of_training() -> None:
    """The shrunken mean of what is left by the movies' biases."""
    scorer = scorer_of(Bias(reg_user=3.0))
    new = predictor_of(Bias(), scorer).fold_in(rated())
    rows = new._rows
    expected = scorer.mean + scorer.item_bias[rows.item]  # type: ignore[attr-defined]
    bias = np.sum(rows.rating - expected) / (len(rows) + 3.0)
    np.testing.assert_allclose(new.predict(rated()), (expected + bias).clip(1, 5))


FAMILIES: list[Any] = [
    Ncf(embed_dim=4, layers=(4,)),
    Deep(embed_dim=4, layers=(4,)),
    Fm(embed_dim=4, layers=()),
    Svdpp(embed_dim=4),
    AutoRec(units=4),
    AutoRec(units=4, of="user"),
    Bayes(embed_dim=4, sweeps=30),
]


@pytest.mark.parametrize("model", FAMILIES, ids=lambda m: f"{m.name}")
def test_ratings_are_learned_and_the_model_stays(model: Model) -> None:
    """What a new user rates is predicted better than for an unknown user."""
    scorer = scorer_of(model)
    before = [np.array(values) for values in scorer.trained()]
    new = predictor_of(model, scorer).fold_in(rated())
    rows = new._rows
    fold_in = folding_of(scorer, model.name)

    def error(own: Scorer) -> float:
        return float(np.mean((own.predict(rows) - rows.rating) ** 2))

    unknown = error(fold_in(rows.at(np.arange(0))))
    first = new.predict(rated())
    assert error(fold_in(rows)) < 0.95 * unknown
    fold_in(rows.at(np.arange(3)))  # another user
    np.testing.assert_allclose(new.predict(rated()), first, atol=1e-6)
    for one, other in zip(before, scorer.trained(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_members_each_fold_in_the_user() -> None:
    model = Dot(embed_dim=4)
    members = tuple(scorer_of(model) for _ in range(2))
    own = predictor_of(model, members[0]).fold_in(rated()).predict(rated())
    both = predictor_of(model, MembersScorer(members, noise=1.0)).fold_in(rated())
    np.testing.assert_allclose(both.predict(rated()), own, atol=1e-5)


def test_reasons_are_what_a_prediction_loses_without_a_rating() -> None:
    predictor = predictor_of(Dot(embed_dim=4))
    new = predictor.fold_in(rated())
    top = new.recommend(k=3, explain=True)
    assert not set(top["movieId"]) & set(rated()["movieId"])
    said = top["because"].iloc[0]
    movie, _, pull = said.split(", ")[0].rpartition(" +")
    at = int(np.flatnonzero(predictor.titles(new.ratings["movieId"]) == movie)[0])
    others = predictor.fold_in(rated().drop(index=at))
    wanted = new._encoded(top.head(1)[["movieId"]])
    with_it, without = (
        float(scores_of(one._fold_in(one._rows), wanted)[0]) for one in (new, others)
    )
    assert float(pull) == pytest.approx(with_it - without, abs=0.006)
    assert float(pull) > 0


def test_of_many_ratings_the_highest_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    predictor = predictor_of(Bias())
    monkeypatch.setattr(new_user, "CANDIDATES", 1)
    new = predictor.fold_in(rated())
    rows = new._rows
    above = rows.rating - predictor.scorer.predict(rows)
    title = predictor.titles(new.ratings["movieId"]).iloc[int(np.argmax(above))]
    (said,) = new.reasons(new.recommend(k=1)[["movieId"]])
    assert said.startswith(f"{title} +")
    assert said.count(" +") == 1


def test_several_users_are_apart() -> None:
    predictor = predictor_of(Dot(embed_dim=4))
    turned = rated().assign(rating=rated()["rating"].to_numpy()[::-1])
    both = pd.concat([rated().assign(userId="a"), turned.assign(userId="b")])
    found = recommend_to_new(predictor, both, k=4)
    assert found["userId"].tolist() == ["a"] * 4 + ["b"] * 4
    assert found["rank"].tolist() == [1, 2, 3, 4] * 2
    alone = predictor.fold_in(turned).recommend(k=4)
    own = found[found["userId"] == "b"]
    assert own["movieId"].tolist() == alone["movieId"].tolist()
    assert found["movieId"].nunique() > 4


@pytest.mark.parametrize(
    ("ratings", "message"),
    [
        (rated().assign(rating=9), "the rating 9 of movie 1 lies outside of the model"),
        (pd.concat([rated(), rated()]), "movie 1 is rated more than once"),
        (pd.DataFrame({"movieId": [-5], "rating": [3]}), "knows none of the 1 rated"),
        (rated()[["movieId"]], "the pairs have no column rating"),
    ],
)
def test_wrong_ratings(ratings: pd.DataFrame, message: str) -> None:
    with pytest.raises(CfexpError, match=message):
        predictor_of(Dot(embed_dim=4)).fold_in(ratings)


def test_models_that_cannot_say_so() -> None:
    ordinal = replace(scorer_of(Bayes(embed_dim=4, sweeps=30)), levels=np.arange(1, 6))
    with pytest.raises(CfexpError, match=r"Train with model.likelihood=gaussian"):
        NewUser(predictor_of(Bayes(), ordinal), rated())
    ranking = RankingLoss("softmax", 0, by_popularity=False)
    spec = replace(encoder().spec, ranking=ranking)
    network = Dot(embed_dim=4).build(spec, train())
    ranks = predictor_of(Dot(), KerasScorer(network))
    with pytest.raises(CfexpError, match=r"model=dot was trained to rank, by training"):
        ranks.fold_in(rated())
    with pytest.raises(CfexpError, match=r"model=dot cannot take new users"):
        NewUser(predictor_of(Dot(), object()), rated())  # type: ignore[arg-type]
