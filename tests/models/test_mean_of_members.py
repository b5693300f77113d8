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
    """Predicts the same for all rows."""

    value: float

    def predict(self, rows: Encoded) -> np.ndarray:
        return np.full(len(rows), self.value)


def rows_of(*rating: float) -> Encoded:
    index = np.zeros(len(rating), np.int32)
    return Encoded(user=index, item=index, rating=np.array(rating, np.float32))


def model_of(*values: float, noise: float = 0.0) -> MembersScorer:
    return MembersScorer(tuple(map(Fixed, values)), noise)  # type: ignore[arg-type]


def test_mean_and_deviation_over_members() -> None:
    mean, std = predict_with_std(model_of(2.0, 3.0, 5.5, noise=0.75), rows_of(1, 2))
    np.testing.assert_allclose(mean, np.mean([2, 3, 5.5]))
    np.testing.assert_allclose(std, np.sqrt(np.var([2, 3, 5.5]) + 0.75**2))


def test_noise_is_the_error_that_the_spread_leaves_unexplained() -> None:
    rows = rows_of(2, 4)
    model = model_of(2.5, 3.5).with_noise_of(rows)
    assert model.noise == pytest.approx(np.sqrt(1 - 0.25))
    np.testing.assert_allclose(model.predict_with_std(rows)[1], 1.0)
    assert model_of(1.0, 5.0).with_noise_of(rows).noise == 0


def test_saved_and_loaded(ratings: Ratings, tmp_path: Path) -> None:
    rows = np.arange(200)
    encoder = FeatureEncoder.fit(ratings, rows)
    encoded = encode(ratings, encoder, rows)
    each = tuple(KerasScorer(named("dot").build(encoder.spec, encoded)) for _ in "abc")
    model = MembersScorer(each, noise=0.875)
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
