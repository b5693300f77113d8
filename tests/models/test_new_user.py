"""New users of a trained model: folded in from ratings, without training again."""

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from random_models import encoder, predictor_of, scorer_of, train
from scipy.optimize import minimize
from scipy.special import ndtr

from cfexp.data.encoding import Encoded, RankingLoss
from cfexp.errors import CfexpError
from cfexp.models import (
    AutoRec,
    Bayes,
    Bias,
    Deep,
    Dot,
    Fm,
    Ncf,
    Svdpp,
    folding_loss,
    new_user,
)
from cfexp.models.base import Model, NeuralModel, Scorer, scores_of
from cfexp.models.foldable import folding_of
from cfexp.models.members import MembersScorer
from cfexp.models.new_user import NewUser
from cfexp.models.new_users import recommend_to_new
from cfexp.models.predictor import Predictor
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
    Bayes(embed_dim=4, sweeps=30, likelihood="ordinal"),
]


@pytest.mark.parametrize("model", FAMILIES, ids=lambda m: f"{m.name}")
def test_ratings_are_learned_and_the_model_stays(model: Model) -> None:
    """What a new user rates is predicted better than for an unknown user."""
    scorer = scorer_of(model)
    before = [np.array(values) for values in scorer.trained()]
    new = predictor_of(model, scorer).fold_in(rated())
    rows = new._rows
    fold_in = folding_of(scorer, model.name, new._ranked.items)

    def error(own: Scorer) -> float:
        return float(np.mean((own.predict(rows) - rows.rating) ** 2))

    unknown = error(fold_in(rows.at(np.arange(0))))
    first = new.predict(rated())
    assert error(fold_in(rows)) < 0.95 * unknown
    fold_in(rows.at(np.arange(3)))  # another user
    np.testing.assert_allclose(new.predict(rated()), first, atol=5e-4)
    for one, other in zip(before, scorer.trained(), strict=True):
        np.testing.assert_array_equal(one, other)


def predictor_that_ranks(
    model: NeuralModel, loss: str, negatives: int = 16, *, by_popularity: bool = False
) -> Predictor:
    """Returns a model with random weights whose outputs are scores."""
    ranking = RankingLoss(loss, negatives, by_popularity=by_popularity)
    network = model.build(replace(encoder().spec, ranking=ranking), train())
    rng = np.random.default_rng(0)
    for weight in network.trainable_weights:
        weight.assign(0.3 * rng.normal(size=weight.shape))
    predictor = predictor_of(model, KerasScorer(network))
    predictor.origin = replace(predictor.origin, outputs=("score",))
    return predictor


def catalogue(new: NewUser) -> Encoded:
    """Returns a row of the new user for each movie."""
    return new._encoded(new._ranked.movies[["movieId"]])


@pytest.mark.parametrize(
    ("model", "loss", "negatives"),
    [
        (Dot(embed_dim=4, l2=0.0), "softmax", 16),
        (Dot(embed_dim=4, l2=0.0), "bpr", 16),
        (Ncf(embed_dim=4, layers=(4,), l2=0.0), "bce", 16),
        (Deep(embed_dim=4, layers=(4,), l2=0.0), "softmax", 0),
    ],
    ids=lambda value: getattr(value, "name", str(value)),
)
def test_models_that_rank_put_relevant_movies_first(
    model: NeuralModel, loss: str, negatives: int
) -> None:
    predictor = predictor_that_ranks(model, loss, negatives)
    new = predictor.fold_in(rated())
    liked = rated()["rating"].to_numpy() >= 4

    def place(scorer: Scorer) -> float:
        """The mean place of relevant movies among all."""
        score = scores_of(scorer, catalogue(new))
        own = scores_of(scorer, new._rows)[liked]
        return float(np.mean(score[None] > own[:, None]))

    unknown = place(predictor.scorer)
    assert place(new._fold_in(new._rows)) < unknown - 0.02
    top = new.recommend(k=3, explain=True)
    assert list(top["score"]) == sorted(top["score"], reverse=True)
    assert not set(top["movieId"]) & set(rated()["movieId"])
    assert top["because"].str.contains(" +", regex=False).any()


def test_the_loss_of_a_user_who_is_folded_in_is_that_of_training() -> None:
    """The likelihood of all movies, and the penalties of each relevant one."""
    predictor = predictor_that_ranks(
        Dot(embed_dim=4, l2=0.1, bias_l2=0.05), "softmax", 0
    )
    new = predictor.fold_in(rated())
    found = new._fold_in(new._rows)
    network = found.model  # type: ignore[attr-defined]
    vectors, bias = (
        network.get_layer(name).get_weights()[0].astype(float)
        for name in ("item_embedding", "item_bias")
    )
    movies = new._ranked.items.item
    positive = new._rows.item[new._rows.rating > 0]

    def loss(user: np.ndarray) -> float:
        score = vectors @ user + bias[:, 0]
        total = np.log(np.exp(score[movies]).sum())
        return float(np.mean(total - score[positive]) + 0.1 * user @ user)

    own = minimize(loss, np.zeros(4), tol=1e-10).x
    score = (vectors @ own + bias[:, 0])[movies]
    shown = scores_of(found, catalogue(new))
    np.testing.assert_allclose(
        shown - shown.mean(), score - score.mean(), atol=0.02 * np.ptp(score)
    )


def test_of_a_large_catalogue_some_movies_are_drawn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    predictor = predictor_that_ranks(Dot(embed_dim=4), "softmax")
    whole = predictor.fold_in(rated()).predict(rated())
    monkeypatch.setattr(folding_loss, "MOVIES", 100)
    drawn = predictor.fold_in(rated()).predict(rated())
    assert not np.allclose(drawn, whole)
    assert np.corrcoef(drawn, whole)[0, 1] > 0.9


def test_an_ordinal_posterior_has_the_mode_of_its_probit() -> None:
    """In each sample: bounded latent ratings, and the users' vectors as the prior."""
    scorer: Any = scorer_of(Bayes(embed_dim=2, sweeps=30, likelihood="ordinal"))
    new = predictor_of(Bayes(), scorer).fold_in(rated())
    found: Any = new._fold_in(new._rows)
    user = scorer.sides[0].vectors[:, 1:].astype(float)
    item = scorer.sides[1].vectors[:, new._rows.item].astype(float)
    level = np.abs(new._rows.rating[:, None] - scorer.levels).argmin(1)
    for s in (0, 5):
        cuts = np.array([-np.inf, *scorer.cutpoints[s], np.inf])
        root = np.sqrt(scorer.precision[s, 1:].mean())
        mean = user[s].mean(0)
        away = np.linalg.inv(np.cov(user[s].T) + 1e-9 * np.eye(3))

        def loss(
            own: np.ndarray, s: int = s, cuts: Any = cuts, root: Any = root
        ) -> float:
            latent = own[0] + item[s, :, 0] + item[s, :, 1:] @ own[1:]
            share = ndtr((cuts[level + 1] - latent) * root) - ndtr(
                (cuts[level] - latent) * root
            )
            prior = (own - mean) @ away @ (own - mean)  # noqa: B023
            return float(prior / 2 - np.log(share).sum())

        best = minimize(loss, mean, tol=1e-8).x
        own = found.sides[0].vectors[s, 0].astype(float)
        assert loss(own) - loss(best) < 0.01 * (loss(mean) - loss(best))


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


def test_users_who_are_near_are_fitted_from_the_last_one() -> None:
    """To the same result, by fewer steps."""
    for model in (Dot(embed_dim=4), Bayes(embed_dim=4, sweeps=30)):
        new = predictor_of(model).fold_in(rated())
        rows = new._rows
        others = rows.at(np.delete(np.arange(len(rows)), [2, 5]))
        expected = new._fold_in(others).predict(rows)
        new._fold_in(rows)
        found = new._fold_in(others, near=True).predict(rows)
        np.testing.assert_allclose(found, expected, atol=2e-3)
        assert not np.allclose(new._fold_in(rows).predict(rows), expected, atol=5e-3)


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
    ranks = predictor_that_ranks(Dot(), "bpr", by_popularity=True)
    with pytest.raises(
        CfexpError, match=r"model=dot learned to rank by training\.loss"
    ):
        ranks.fold_in(rated())
    ranks = predictor_that_ranks(Dot(), "softmax")
    with pytest.raises(CfexpError, match=r"none of the 12 ratings is at least 4: the"):
        ranks.fold_in(rated().assign(rating=1))
    with pytest.raises(CfexpError, match=r"model=dot cannot take new users"):
        NewUser(predictor_of(Dot(), object()), rated())  # type: ignore[arg-type]
