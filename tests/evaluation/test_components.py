"""Principal components of embeddings."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from cfexp.evaluation.components import principal_components


def test_as_scikit_learn() -> None:
    vectors = np.random.default_rng(0).normal(size=(50, 6)) * np.arange(1, 7)
    found, shares = principal_components(vectors)
    pca = PCA(2).fit(vectors)
    np.testing.assert_allclose(np.abs(found), np.abs(pca.transform(vectors)))
    assert shares == pytest.approx(pca.explained_variance_ratio_)
    # The same picture, whatever the sign that the decomposition happens to give.
    mirrored, _ = principal_components(np.concatenate([vectors, vectors]))
    np.testing.assert_allclose(mirrored[:50], found, atol=1e-9)


def test_fewer_directions_than_axes() -> None:
    found, shares = principal_components(np.array([[1.0], [3.0]]))
    np.testing.assert_allclose(np.abs(found), [[1, 0], [1, 0]])
    assert shares.tolist() == [1, 0]
    same, shares = principal_components(np.ones((3, 4), np.float32))
    assert not same.any()
    assert not shares.any()
