"""Ensembles: translated rows, weights, saving."""

from pathlib import Path

import numpy as np
import pytest

from cfexp.data.encoder import FeatureEncoder, encode
from cfexp.data.features import Declared
from cfexp.data.ratings import RATING, Ratings
from cfexp.data.split import Split
from cfexp.models.bias import Bias, Mean
from cfexp.models.ensemble import Translation, encoder_of
from cfexp.models.loading import load_scorer
from cfexp.training.fit import fit_baseline, train_and_valid
from cfexp.training.stacking import Member, stack
from cfexp.training.testing import evaluate_fitted

BIAS = Bias(reg_user=15.0, reg_item=10.0, iterations=10)


def member(name: str, ratings: Ratings, split: Split, wish: np.ndarray) -> Member:
    """Returns a member that predicted the validation rows as wished."""
    fitted = fit_baseline(BIAS, ratings, split)
    return Member(name, "bias", fitted.encoder, fitted.scorer, wish)


def test_translation_is_the_other_encoding(ratings: Ratings, split: Split) -> None:
    # Few rows, so that many users, movies and a genre or two are unknown to it.
    declared = (Declared("item", "genres"), Declared("row", "day"))
    other = FeatureEncoder.fit(ratings, split.train[:60], declared)
    plain = FeatureEncoder.fit(ratings, split.train)
    own = FeatureEncoder.fit(ratings, train_and_valid(split))
    known = encoder_of(own, [plain, other])
    assert other.spec.n_users < known.spec.n_users
    rows = encode(ratings, known, split.test)
    assert not Translation.between(known, plain, 0)(rows).features
    translated = Translation.between(known, other, 1)(rows)
    expected = encode(ratings, other, split.test)
    np.testing.assert_array_equal(translated.user, expected.user)
    np.testing.assert_array_equal(translated.item, expected.item)
    assert list(translated.features) == list(expected.features)
    for name, feature in expected.features.items():
        np.testing.assert_array_equal(
            translated.features[name].values[translated.features[name].row],
            feature.values[feature.row],
        )


def test_planted_weights_are_found(
    ratings: Ratings, split: Split, tmp_path: Path
) -> None:
    rating = ratings.frame[RATING].to_numpy()[split.valid]
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 1, len(rating))
    # Their errors cancel in equal parts; the third knows nothing.
    members = [
        member("a", ratings, split, rating + noise),
        member("b", ratings, split, rating - noise),
        member("c", ratings, split, rng.normal(3, 1, len(rating))),
    ]
    fitted = stack(members, ratings, split, seed=0)
    assert fitted.scorer.weights == pytest.approx([0.5, 0.5, 0], abs=1e-6)
    assert fitted.val_rmse < 1e-6
    fitted.scorer.save(tmp_path)
    rows = encode(ratings, fitted.encoder, split.test)
    again = load_scorer(tmp_path).predict(rows)
    np.testing.assert_array_equal(again, fitted.scorer.predict(rows))
    # Both are the bias model.
    bias = evaluate_fitted(fit_baseline(BIAS, ratings, split), ratings, split.test)
    np.testing.assert_allclose(again, bias.predicted, atol=1e-6)


def test_validation_error_is_held_out(ratings: Ratings, split: Split) -> None:
    """Members of noise look good on rows that their weights were fitted to only."""
    rng = np.random.default_rng(0)
    noise = [rng.normal(3, 1, len(split.valid)) for _ in range(40)]
    members = [member(str(i), ratings, split, n) for i, n in enumerate(noise)]
    fitted = stack(members, ratings, split, seed=0)
    mean = fit_baseline(Mean(), ratings, split)
    assert fitted.val_rmse > mean.val_rmse
