"""The baselines: least squares and the mean."""

from pathlib import Path

import numpy as np

from cfexp.data.encoder import FeatureEncoder, encode
from cfexp.data.ratings import Ratings
from cfexp.data.splitters import RandomHoldout
from cfexp.models.bias import Bias, BiasScorer, Mean
from cfexp.training.fit import fit_baseline
from cfexp.training.testing import evaluate_fitted


def test_bias_is_the_least_squares_solution(ratings: Ratings) -> None:
    """The gradient of the objective vanishes at the fitted biases."""
    encoder = FeatureEncoder.fit(ratings, np.arange(3000))
    rows = encode(ratings, encoder, np.arange(3000))
    spec = Bias(reg_user=3.0, reg_item=2.0, iterations=200)
    scorer = spec.fit(rows, encoder.spec)
    assert isinstance(scorer, BiasScorer)
    error = rows.rating - (
        scorer.mean + scorer.user_bias[rows.user] + scorer.item_bias[rows.item]
    )
    by_user = np.bincount(rows.user, error, minlength=encoder.spec.n_users)
    by_item = np.bincount(rows.item, error, minlength=encoder.spec.n_items)
    np.testing.assert_allclose(by_user, 3.0 * scorer.user_bias, atol=1e-8)
    np.testing.assert_allclose(by_item, 2.0 * scorer.item_bias, atol=1e-8)
    assert scorer.n_parameters == 1 + len(encoder.users) + len(encoder.items)


def test_mean_predicts_the_training_mean(ratings: Ratings, tmp_path: Path) -> None:
    split = RandomHoldout(test_size=0.2, valid_size=0.1).split(ratings, seed=0)
    fitted = fit_baseline(Mean(), ratings, split)
    known = np.sort(np.concatenate([split.train, split.valid]))
    expected = ratings.frame["rating"].iloc[known].mean()
    predicted = evaluate_fitted(fitted, ratings, split.test).predicted
    np.testing.assert_allclose(predicted, expected)
    fitted.scorer.save(tmp_path)
    rows = encode(ratings, fitted.encoder, split.test)
    np.testing.assert_array_equal(BiasScorer.load(tmp_path).predict(rows), predicted)
