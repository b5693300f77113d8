"""Rows on disk, read in chunks: the same rows, the same training."""

from pathlib import Path

import numpy as np
import pytest
from small_data import synthetic
from small_models import named, recipe

from cfexp.data.encoder import FeatureEncoder, encode
from cfexp.data.features import Declared
from cfexp.data.ratings import Ratings
from cfexp.data.splitters import RandomHoldout
from cfexp.data.streaming import BLOCK, POOL, block_order, encode_on_disk
from cfexp.training.fit import fit_model
from cfexp.training.testing import evaluate_fitted


def test_rows_on_disk_are_the_rows(
    workdir: Path, ratings: Ratings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cfexp.data.streaming.CHUNK", 700)
    train = np.arange(0, 3000, 2)
    encoder = FeatureEncoder.fit(ratings, train, (Declared("item", "genres"),))
    there = encode_on_disk(ratings, encoder, train)
    assert isinstance(there.user, np.memmap)
    plain = encode(ratings, encoder, train)
    at = np.argsort(there.user.astype(np.int64) * 10_000 + there.item)
    assert (at != np.arange(len(at))).any()
    for name in ("user", "item", "rating"):
        np.testing.assert_array_equal(getattr(there, name)[at], getattr(plain, name))
    (one,), (other,) = there.features.values(), plain.features.values()
    assert isinstance(one.row, np.memmap)
    np.testing.assert_array_equal(one.values[one.row][at], other.values[other.row])


def test_rows_are_encoded_once(
    workdir: Path, ratings: Ratings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But anew for other rows, and for another encoder of the same rows."""
    encoder = FeatureEncoder.fit(ratings, np.arange(2000))
    encode_on_disk(ratings, encoder, np.arange(2000))
    encode_on_disk(ratings, encoder, np.arange(1999))
    other = FeatureEncoder.fit(ratings, np.arange(100))
    assert (encode_on_disk(ratings, other, np.arange(2000)).user == 0).any()
    assert len(list((workdir / "cache").glob("encoded-*"))) == 3
    monkeypatch.setattr("cfexp.data.encoder.FeatureEncoder.transform", None)
    assert len(encode_on_disk(ratings, encoder, np.arange(2000))) == 2000


def test_block_order_is_a_shuffle_that_reads_blocks() -> None:
    n_rows = 40 * BLOCK + 17
    order = block_order(n_rows, np.random.default_rng(0))
    assert len(order) == n_rows
    assert (np.sort(order) == np.arange(n_rows)).all()
    first = order[: POOL * BLOCK] // BLOCK
    assert len(np.unique(first)) <= POOL + 1
    assert len(np.unique(first[:1000])) >= POOL - 1
    again = block_order(n_rows, np.random.default_rng(1))
    assert (order != again).mean() > 0.9


@pytest.mark.slow
def test_chunks_train_as_one(ratings: Ratings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the last chunk is not full."""
    split = RandomHoldout(test_size=0.2, valid_size=0.1).split(ratings, seed=0)
    weights = []
    for rows in (10**6, 1000):
        monkeypatch.setattr("cfexp.training.engines.CHUNK_ROWS", rows)
        fitted = fit_model(recipe(named("deep"), epochs=3), ratings, split)
        weights.append(fitted.scorer.model.get_weights())  # type: ignore[attr-defined]
    for one, other in zip(*weights, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.slow
def test_streamed_training_is_as_good(workdir: Path) -> None:
    data = synthetic(20_000, n_users=200, n_items=500, n_factors=1, noise=0.3).load()
    split = RandomHoldout(test_size=0.2, valid_size=0.1).split(data, seed=0)
    errors = []
    for stream_from in (None, 1):
        fitted = fit_model(recipe(named("dot"), stream_from=stream_from), data, split)
        errors.append(evaluate_fitted(fitted, data, split.test).evaluation.overall.rmse)
    assert len(list((workdir / "cache").glob("encoded-*"))) == 1
    assert errors[1] == pytest.approx(errors[0], abs=0.02)
