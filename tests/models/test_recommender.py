"""Recommendations to one and to many users, and movies that are alike."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from random_models import encoder, predictor_of, scorer_of

from cfexp.data import top
from cfexp.data.encoding import Encoded
from cfexp.errors import CfexpError
from cfexp.models import Bayes, Bias, Deep, Dot, Ncf
from cfexp.models.base import Model
from cfexp.models.ensemble import EnsembleScorer, Translation
from cfexp.models.recommending import Recommending


class Unfactored:
    """A model without factors, whose predictions are cut to the scale."""

    def __init__(self, model: Model):
        self._own = scorer_of(model)

    def predict(self, rows: Encoded) -> np.ndarray:
        return self._own.predict(rows)

    def scores(self, rows: Encoded) -> np.ndarray:
        return self._own.scores(rows)  # type: ignore[attr-defined]


def test_many_users_get_what_each_gets(monkeypatch: pytest.MonkeyPatch) -> None:
    """In blocks, by a product of matrices or pair by pair, without what they know."""
    predictor = predictor_of(Dot(embed_dim=4))
    users = [*encoder().users[[5, 0, 7]], -1]
    many = predictor.recommend_many(users, k=6)
    assert many["userId"].unique().tolist() == users
    assert many["rank"].tolist() == [1, 2, 3, 4, 5, 6] * 4
    for user, own in many.groupby("userId", sort=False):
        one = predictor.recommend(user, k=6)
        pd.testing.assert_frame_equal(
            one, own.iloc[:, 2:].reset_index(drop=True), check_exact=False
        )
    known = predictor.trained_on.known.among(
        many[["userId", "movieId"]], trained_only=False
    )
    assert not known.any()
    monkeypatch.setattr(top, "BLOCK", 300)
    slow = predictor_of(Dot(embed_dim=4), Unfactored(Dot(embed_dim=4)))  # type: ignore[arg-type]
    pd.testing.assert_frame_equal(slow.recommend_many(users, k=6), many, atol=1e-4)
    every = predictor.recommend_many(k=2)
    assert every["userId"].nunique() == len(encoder().users)


def test_order_is_that_of_uncut_scores_and_ties_are_drawn() -> None:
    """Of many movies with the highest rating, the one with the highest score."""
    predictor = predictor_of(Dot(embed_dim=4), scorer_of(Dot(embed_dim=4), 1.0))
    user = encoder().users[3]
    top = predictor.recommend(user, k=200, seen=[])
    ranked = Recommending(predictor)
    rows = ranked.encoded(top[["movieId"]].assign(userId=user))
    score = predictor.scorer.scores(rows)  # type: ignore[attr-defined]
    assert (np.diff(score) <= 1e-5).all()
    assert (top["rating"] == 5).sum() > 1
    flat = predictor_of(Bias(), scorer_of(Bias()))
    flat.scorer.item_bias[:] = 0  # type: ignore[attr-defined]
    first, second = (flat.recommend(user, k=5, seed=seed) for seed in (0, 1))
    assert first["movieId"].tolist() != second["movieId"].tolist()
    assert flat.recommend(user, k=5, seed=0).equals(first)


@pytest.mark.parametrize("family", [Dot, Ncf, Deep])
def test_similar_movies_have_the_nearest_embeddings(family: type[Model]) -> None:
    model = family(embed_dim=4)
    predictor = predictor_of(model)
    network = predictor.scorer.model  # type: ignore[attr-defined]
    names = ["gmf", "mlp"] if model.name == "ncf" else ["embedding"]
    tables = [network.get_layer(f"item_{name}").get_weights()[0] for name in names]
    vectors = np.concatenate(tables, 1)[1 : len(encoder().items) + 1].astype(float)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosine = unit @ unit[7]
    cosine[7] = -2
    found = predictor.similar(encoder().items[7], k=4)
    best = np.argsort(-cosine)[:4]
    assert found["movieId"].tolist() == encoder().items[best].tolist()
    np.testing.assert_allclose(found["similarity"], cosine[best], atol=1e-5)
    assert found["title"].ne("").all()


def test_factors_of_samples_are_compared_within_each() -> None:
    """Which are turned against each other: a mean of them would be no vector."""
    predictor = predictor_of(Bayes(embed_dim=4, sweeps=30))
    found = predictor.similar(encoder().items[7], k=3)
    items = Recommending(predictor).items
    q = predictor.scorer.sides[1].of_rows(items, slice(None))[..., 1:]  # type: ignore[attr-defined]
    products = np.einsum("sik,sjk->ij", q, q)
    length = np.sqrt(np.diag(products))
    cosine = products[7] / length / length[7]
    np.testing.assert_allclose(
        found["similarity"],
        np.sort(cosine[np.arange(len(cosine)) != 7])[::-1][:3],
        atol=1e-4,
    )


def test_movies_are_like_each_other_as_in_the_members_that_count() -> None:
    """The mean of their cosines, by weight; bias has no vectors, dot 2 no weight."""
    members = [scorer_of(m) for m in (Dot(embed_dim=4), Ncf(embed_dim=4), Bias())]
    members.append(scorer_of(Dot(embed_dim=2)))
    movies = encoder().items
    translation = Translation.between(encoder(), replace(encoder(), features={}), 0)
    ensemble = EnsembleScorer(
        members=members,
        translations=[translation] * 4,
        weights=[0.6, 0.2, 0.3, 0.0],
        intercept=0.0,
        scale=(1.0, 5.0),
    )
    found = predictor_of(Dot(), ensemble).similar(movies[7], k=len(movies))
    each = [
        predictor_of(Dot(), member)
        .similar(movies[7], k=len(movies))
        .set_index("movieId")["similarity"]
        for member in members[:2]
    ]
    expected = 0.75 * each[0] + 0.25 * each[1]
    own = found.set_index("movieId")["similarity"]
    np.testing.assert_allclose(own, expected[own.index], atol=1e-5)
    assert (np.diff(own) <= 1e-6).all()


def test_what_has_no_embeddings_says_so() -> None:
    with pytest.raises(CfexpError, match=r"model=bias has no embeddings of movies"):
        predictor_of(Bias()).similar(encoder().items[0])
    with pytest.raises(CfexpError, match=r"the model does not know movie -3"):
        predictor_of(Dot(embed_dim=4)).similar(-3)
