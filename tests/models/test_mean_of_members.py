"""A model of members: mean, deviation, and its files."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from small_models import named

from cfexp.data.encoder import FeatureEncoder, encode
from cfexp.data.encoding import Encoded
from cfexp.data.ratings import Ratings
from cfexp.models.base import predict_with_std
from cfexp.models.loading import load_scorer
from cfexp.models.members import MembersScorer
from cfexp.models.scorer import KerasScorer


@dataclass
class Fixed:
    """Predicts the same for all rows, or given values."""

    value: float | np.ndarray

    def predict(self, rows: Encoded) -> np.ndarray:
        return np.broadcast_to(self.value, len(rows))


def rows_of(*rating: float) -> Encoded:
    index = np.zeros(len(rating), np.int32)
    return Encoded(user=index, item=index, rating=np.array(rating, np.float32))


def model_of(*values: float | np.ndarray, noise: float = 0.0) -> MembersScorer:
    return MembersScorer(tuple(map(Fixed, values)), noise)  # type: ignore[arg-type]


def test_mean_and_deviation_over_members() -> None:
    mean, std = predict_with_std(model_of(2.0, 3.0, 5.5, noise=0.75), rows_of(1, 2))
    np.testing.assert_allclose(mean, np.mean([2, 3, 5.5]))
    np.testing.assert_allclose(std, np.sqrt(np.var([2, 3, 5.5]) + 0.75**2))


def test_noise_is_the_error_that_the_spread_leaves_unexplained() -> None:
    rows = rows_of(2, 4)
    model = model_of(2.5, 3.5).calibrated(rows)
    assert model.factor == 1
    assert model.noise == pytest.approx(np.sqrt(1 - 0.25))
    np.testing.assert_allclose(model.predict_with_std(rows)[1], 1.0)
    assert model_of(1.0, 5.0).calibrated(rows).noise == 0


def test_members_that_agree_too_much_are_corrected() -> None:
    """Errors are the larger the more they differ."""
    spread = np.array([0.1, 0.2, 0.3, 0.4])
    error = np.sqrt(9 * spread**2 + 0.5**2)
    model = model_of(3 - spread, 3 + spread).calibrated(rows_of(*(3 + error)))
    assert (model.factor, model.noise) == (pytest.approx(9), pytest.approx(0.5))
    steep = model_of(3 - spread, 3 + spread).calibrated(rows_of(*(3 + 40 * spread**2)))
    assert steep.noise == 0
    assert np.mean(steep.factor * spread**2) == pytest.approx(np.mean(1600 * spread**4))


def test_saved_and_loaded(ratings: Ratings, tmp_path: Path) -> None:
    rows = np.arange(200)
    encoder = FeatureEncoder.fit(ratings, rows)
    encoded = encode(ratings, encoder, rows)
    each = tuple(KerasScorer(named("dot").build(encoder.spec, encoded)) for _ in "abc")
    model = MembersScorer(each, noise=0.875, factor=2.5)
    model.save(tmp_path)
    found = load_scorer(tmp_path)
    assert isinstance(found, MembersScorer)
    assert len(found.members) == 3
    for mine, theirs in zip(
        model.predict_with_std(encoded), found.predict_with_std(encoded), strict=True
    ):
        np.testing.assert_array_equal(mine, theirs)
    assert found.n_parameters == 3 * each[0].n_parameters
    assert found.parts() == each[0].parts()
