"""What experiments in one process share, and what they must not."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from pydantic import PrivateAttr
from small_data import synthetic

from cfexp.data.encoder import FeatureEncoder, encode
from cfexp.data.folds import KFold
from cfexp.data.ratings import Ratings
from cfexp.data.split import BoolArray
from cfexp.data.splitters import RandomHoldout
from cfexp.data.synthetic import Synthetic
from cfexp.experiment import Experiment
from cfexp.models.bias import Bias, Mean


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Counts the calls of what should be done once."""
    found: Counter[str] = Counter()

    def count(cls: type, name: str) -> None:
        real = getattr(cls, name)

        def counted(*arguments: Any, **options: Any) -> Any:
            found[f"{cls.__name__}.{name}"] += 1
            return getattr(real, "__func__", real)(*arguments, **options)

        kind = classmethod if hasattr(real, "__func__") else lambda function: function
        monkeypatch.setattr(cls, name, kind(counted))

    for cls, name in (
        (Synthetic, "_make"),
        (RandomHoldout, "test_mask"),
        (FeatureEncoder, "_fit"),
        (FeatureEncoder, "transform"),
        (Bias, "fit"),
    ):
        count(cls, name)
    return found


def test_jobs_share_data_split_encoder_and_baselines(
    calls: Counter[str], tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CFEXP_CACHE_DIR", str(tmp_path))
    first = Experiment(dataset=synthetic(), model=Mean())
    one = first.run()
    once = Counter(calls)
    assert once["Synthetic._make"] == once["RandomHoldout.test_mask"] == 1
    assert once["FeatureEncoder._fit"] == 2  # train, and train with validation rows
    other = Experiment(dataset=synthetic(), model=Bias(reg_user=1)).run()
    # Its own model, twice; the baseline and all that it needs are there.
    assert calls - once == Counter({"Bias.fit": 2})
    assert one.comparison.baselines == other.comparison.baselines
    again = first.run(first.load())
    assert repr(again.test) == repr(one.test)
    # Other rows are nobody's yet.
    first.replace(seed=1).run()
    assert calls["Synthetic._make"] == 1
    assert calls["RandomHoldout.test_mask"] == 2
    assert calls["FeatureEncoder._fit"] == 4


def test_result_is_the_same_as_of_a_process_of_its_own() -> None:
    experiment = Experiment(dataset=synthetic(), model=Bias())
    shared = [experiment.run().metrics() for _ in range(2)]
    data = synthetic()._make()
    alone = experiment.run(experiment.load(data)).metrics()
    for metrics in shared:
        same = {k: v for k, v in metrics.items() if not k.startswith("seconds")}
        assert same == {k: alone[k] for k in same}


def test_splits_differ_by_every_option(ratings: Ratings) -> None:
    splits = [
        KFold(folds=folds, fold=fold).split(ratings, seed=seed).fingerprint
        for folds in (4, 5)
        for fold in (0, 1)
        for seed in (0, 1)
    ]
    assert len(set(splits)) == 8


class Listed(RandomHoldout):
    """A user's own split, which depends on more than its options."""

    _held_out: list[int] = PrivateAttr(default_factory=list)

    def test_mask(self, ratings: Ratings, rng: np.random.Generator) -> BoolArray:
        return np.isin(np.arange(len(ratings.frame)), self._held_out)


def test_split_with_private_values_is_not_shared(ratings: Ratings) -> None:
    tests = []
    for held_out in (range(50), range(90)):
        own = Listed()
        own._held_out = list(held_out)
        tests.append(len(own.split(ratings, seed=0).test))
    assert tests == [50, 90]


def test_nobody_can_change_what_is_shared(ratings: Ratings) -> None:
    split = RandomHoldout().split(ratings, seed=0)
    encoder = FeatureEncoder.fit(ratings, split.train)
    rows = encode(ratings, encoder, split.train)
    assert encode(ratings, encoder, split.train) is rows
    for array in (split.train, split.test, encoder.users, rows.user, rows.rating):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = array[1]
    with pytest.raises(AttributeError):
        encoder.scale = (0, 9)  # type: ignore[misc]
