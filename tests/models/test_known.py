"""Pairs that a model knows, and data whose ids are its own."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from cfexp.data.ratings import Ratings
from cfexp.data.split import Split
from cfexp.errors import DataError
from cfexp.evaluation.groups import times_seen
from cfexp.models.known import KnownPairs
from cfexp.models.overlap import check_related, unknown_split
from cfexp.models.trained_on import BASELINES, fit_baselines
from cfexp.training.fit import fit_baseline
from cfexp.training.testing import evaluate_fitted


def test_known_pairs(ratings: Ratings, split: Split, tmp_path: Path) -> None:
    """Exactly the train rows, the validation rows where asked, never a test row."""
    known = KnownPairs.of(ratings, split.train, split.valid)
    known.save(tmp_path / "pairs.parquet")
    for pairs in (known, KnownPairs.load(tmp_path / "pairs.parquet")):
        for trained_only in (False, True):
            found = pairs.among(ratings.frame, trained_only=trained_only)
            assert found[split.train].all()
            assert (found[split.valid] == (not trained_only)).all()
            assert not found[split.test].any()
    strangers = pd.DataFrame({"userId": [10**6, 1], "movieId": [1, 10**6]})
    assert not known.among(strangers, trained_only=False).any()


def test_known_pairs_are_joined(ratings: Ratings) -> None:
    """Trained on in one of them is trained on; numbers and their texts are the same."""
    one = KnownPairs.of(ratings, np.arange(10), np.arange(10, 20))
    other = KnownPairs.of(ratings, np.arange(15, 30), np.arange(0))
    both = one.union(other)
    assert len(both) == 30
    found = both.among(ratings.frame, trained_only=True)
    assert np.flatnonzero(found).tolist() == [*range(10), *range(15, 30)]
    texts = other.frame.astype({"userId": str, "movieId": str})
    mixed = one.union(KnownPairs(texts))
    assert len(mixed) == 30
    assert mixed.among(ratings.frame, trained_only=False)[:31].sum() == 30


def test_known_rows_are_refused_or_dropped(ratings: Ratings, split: Split) -> None:
    train = np.concatenate([split.train[100:], split.valid[:5], split.test[:7]])
    known = KnownPairs.of(ratings, train, split.valid[5:])
    with pytest.raises(DataError, match="knows 7 of the 600 test rows.*known_rows=dr"):
        unknown_split(split, ratings, known, policy="error")
    left = unknown_split(split, ratings, known, policy="drop")
    assert left.test.tolist() == split.test[7:].tolist()
    assert left.valid.tolist() == split.valid[5:].tolist()
    assert left.fingerprint != split.fingerprint
    known = KnownPairs.of(ratings, np.concatenate([split.train, split.valid]), [])
    with pytest.raises(DataError, match="knows 240 of the 240 validation rows"):
        unknown_split(split, ratings, known, policy="error")
    left = unknown_split(split, ratings, known, policy="drop")
    assert not len(left.valid)
    # The test rows are the same, and may be compared.
    assert left.fingerprint == split.fingerprint
    known = KnownPairs.of(ratings, split.test, [])
    with pytest.raises(DataError, match="knows all of the 600 test rows"):
        unknown_split(split, ratings, known, policy="drop")


@pytest.mark.parametrize(
    ("titles", "name", "message"),
    [
        (["A", "B", "c "], "other", None),
        (["X", "Y", "C"], "own", "only 33% of the movies"),
        (["", "", ""], "own", None),
        (["", "", ""], "other", "unknown whether the same ids"),
    ],
)
def test_ids_of_other_data(titles: list[str], name: str, message: str | None) -> None:
    movies = pd.DataFrame({"movieId": [1, 2, 3], "title": ["A", "B", "C"]})
    origin = SimpleNamespace(dataset="own", data_fingerprint="0")
    predictor = SimpleNamespace(origin=origin, movies=movies)
    frame = pd.DataFrame({"userId": [1], "movieId": [1], "rating": [1.0]})
    other = Ratings(name, frame, movies.assign(title=titles, genres=""), (1, 5))
    if message is None:
        check_related(predictor, other, same_ids=False)  # type: ignore[arg-type]
        return
    with pytest.raises(DataError, match=f"{message}.*same_ids=true"):
        check_related(predictor, other, same_ids=False)  # type: ignore[arg-type]
    check_related(predictor, other, same_ids=True)  # type: ignore[arg-type]


def test_groups_of_baselines_hold_the_same_rows(ratings: Ratings, split: Split) -> None:
    """Each group's error, worked out from its own rows."""
    seen = times_seen(ratings, split.test, split.train)
    users = ratings.frame["userId"]
    counts = users.iloc[split.train].value_counts()
    assert np.array_equal(
        seen["user"], users.iloc[split.test].map(counts).fillna(0).to_numpy()
    )
    baseline = fit_baselines(ratings, split.train)["bias"]
    found = evaluate_fitted(baseline, ratings, split.test, seen=seen)
    own = fit_baseline(BASELINES["bias"], ratings, split)
    error = found.predicted - ratings.frame["rating"].to_numpy()[split.test]
    assert own.val_rmse is not None
    for group in found.evaluation.groups:
        if group.name == "user_10_49":
            mask = (seen["user"] >= 10) & (seen["user"] <= 49)
            assert group.rows == mask.sum() > 100
            assert group.rmse == pytest.approx(np.sqrt(np.mean(error[mask] ** 2)))
