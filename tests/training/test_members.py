"""Members are trained as if alone, by one program, and their mean is the model."""

from pathlib import Path

import numpy as np
import pytest
from small_models import named, programs_made, recipe

from cfexp.data.encoder import encode
from cfexp.data.ratings import Ratings
from cfexp.data.split import Split
from cfexp.errors import ConfigError
from cfexp.evaluation.metrics import rmse
from cfexp.models.members import MembersScorer
from cfexp.training import member as one_member
from cfexp.training.checkpoint import Checkpointing
from cfexp.training.fit import fit_model
from cfexp.training.history import Epoch
from cfexp.training.member import drawn_rows, seeds_of
from cfexp.training.neural import fit_neural
from cfexp.training.recipe import Hooks
from cfexp.training.stage import Stage


def members_of(scorer: object) -> MembersScorer:
    assert isinstance(scorer, MembersScorer)
    return scorer


@pytest.mark.slow
@pytest.mark.parametrize("name", ["dot", "deep", "svdpp"])
def test_each_member_is_trained_as_if_alone(
    name: str, ratings: Ratings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its own seed; all of them share one program."""
    made, stage = programs_made(monkeypatch), Stage(np.arange(2000))
    model = named(name)
    how = recipe(model, epochs=2, members=2, seed=5)
    trained = fit_neural(how, ratings, stage)
    assert len(made) == 1
    assert made[0].run_chunk.experimental_get_tracing_count() == 1
    rows = encode(ratings, trained.encoder, np.arange(2000, 2500))
    each = []
    for seed, member in zip(
        seeds_of(how), members_of(trained.scorer).members, strict=True
    ):
        single = recipe(model, epochs=2, seed=seed)
        alone = fit_neural(single, ratings, stage).scorer
        for a, b in zip(member.trained(), alone.trained(), strict=True):
            np.testing.assert_allclose(a, b, atol=1e-5)
        each.append(member.predict(rows))
    assert np.std(each, axis=0).min() > 0
    mean, std = members_of(trained.scorer).predict_with_std(rows)
    np.testing.assert_allclose(mean, np.mean(each, axis=0), atol=1e-12)
    noise = members_of(trained.scorer).noise
    assert noise == trained.history.best.train_rmse  # there are no validation rows
    np.testing.assert_allclose(std**2, np.var(each, axis=0) + noise**2, atol=1e-9)


def test_seeds_are_not_those_of_repeats() -> None:
    """Nor do they change with the number of members."""
    found = [seeds_of(recipe(named("dot"), members=4, seed=s)) for s in range(5)]
    assert [seeds[0] for seeds in found] == list(range(5))
    assert len({seed for seeds in found for seed in seeds}) == 20
    assert seeds_of(recipe(named("dot"), members=2, seed=3)) == found[3][:2]
    assert max(map(max, found)) < 2**31


@pytest.mark.slow
def test_the_mean_is_validated_and_its_best_epoch_kept(
    ratings: Ratings, split: Split
) -> None:
    """A refitted model is as uncertain as before it was trained on validation rows."""
    how = recipe(named("dot").replace(l2=0.0), epochs=30, patience=3, members=2)
    fitted = fit_model(how, ratings, split)
    assert fitted.history is not None
    assert len(fitted.history.epochs) == fitted.history.best.epoch + 3 < 30
    scorer = members_of(fitted.scorer)
    valid = encode(ratings, fitted.encoder, split.valid)
    predicted, std = scorer.predict_with_std(valid)
    error = fitted.val_predicted - valid.rating
    assert fitted.val_rmse == pytest.approx(rmse(valid.rating, fitted.val_predicted))
    assert fitted.val_rmse == fitted.history.best.val_rmse
    np.testing.assert_allclose(predicted, fitted.val_predicted, atol=1e-6)
    assert np.mean(std**2) == pytest.approx(np.mean(error**2))
    refit = how.replace(training=how.training.replace(refit=True))
    last = members_of(fit_model(refit, ratings, split).scorer)
    assert (last.noise, last.factor) == (
        pytest.approx(scorer.noise, rel=1e-5),
        pytest.approx(scorer.factor, rel=1e-4),
    )


@pytest.mark.slow
def test_interrupted_and_resumed_is_as_if_never_interrupted(
    ratings: Ratings, split: Split, tmp_path: Path
) -> None:
    def fit(path: Path, stop: int = 0, **changes: object):  # type: ignore[no-untyped-def]
        def interrupt(epoch: Epoch) -> None:
            if epoch.epoch == stop:
                raise KeyboardInterrupt

        changes = {"checkpoint_every": 1, "bootstrap": True, **changes}
        how = recipe(named("dot"), epochs=5, members=2, **changes)
        hooks = Hooks(Checkpointing(path, dict), interrupt)
        return fit_model(how, ratings, split, hooks=hooks)

    path = tmp_path / "point.npz"
    with pytest.raises(KeyboardInterrupt):
        fit(path, 4)
    resumed = fit(path, resume=True)
    whole = fit(tmp_path / "other.npz", checkpoint_every=0)
    assert [e.epoch for e in resumed.history.epochs] == [1, 2, 3, 4, 5]
    for a, b in zip(resumed.scorer.trained(), whole.scorer.trained(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.slow
def test_bootstrap_draws_training_rows_for_each_member(
    ratings: Ratings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same in each epoch, of which each row is one of the training rows."""
    orders: list[np.ndarray] = []

    class Noted(one_member.FallbackEngine):
        def run_epoch(self, order: np.ndarray):  # type: ignore[no-untyped-def]
            orders.append(order)
            return super().run_epoch(order)

    monkeypatch.setattr(one_member, "FallbackEngine", Noted)
    how = recipe(named("dot"), epochs=2, members=2, bootstrap=True, batch_size=100)
    fit_neural(how, ratings, Stage(np.arange(500, 1500)))
    first, second, again, _ = (np.sort(order) for order in orders)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, second)
    assert not np.array_equal(orders[0], orders[2])
    for rows in (first, second):
        assert len(rows) == 1000
        assert rows.min() >= 0
        assert rows.max() < 1000
        assert len(np.unique(rows)) == pytest.approx(632, abs=50)  # 1 - 1/e
    np.testing.assert_array_equal(first, drawn_rows(1000, how.seed))


@pytest.mark.slow
def test_fine_tuning_trains_all_members(ratings: Ratings, split: Split) -> None:
    how = recipe(named("dot"), epochs=2, members=2)
    start = fit_model(how, ratings, split)
    before = [values.copy() for values in start.scorer.trained()]
    tuned = fit_model(how, ratings, split, start=start)
    after = members_of(tuned.scorer).trained()
    assert len(after) == len(before)
    assert all((a != b).any() for a, b in zip(before, after, strict=True))
    one = recipe(named("dot"), epochs=2)
    with pytest.raises(ConfigError, match="has 2. Set training.members=2"):
        fit_model(one, ratings, split, start=start)


def test_engine_keras_trains_members_too(ratings: Ratings) -> None:
    how = recipe(named("dot"), epochs=1, members=2, engine="keras")
    trained = fit_neural(how, ratings, Stage(np.arange(500)))
    assert trained.history.engine == "keras"
    one, other = members_of(trained.scorer).members
    assert (one.trained()[0] != other.trained()[0]).any()
