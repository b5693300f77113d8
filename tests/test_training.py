"""Training: engines agree, epochs are chosen on validation, nothing is lost."""

import io
import os
import signal
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import synthetic
from test_models import MODELS, by_name, settings

from cfexp.data.encoder import FeatureEncoder, encode
from cfexp.data.ratings import Ratings
from cfexp.data.split import Split
from cfexp.data.splitters import RandomHoldout
from cfexp.errors import ConfigError, DamagedError, TrainingError
from cfexp.models.base import NeuralModel
from cfexp.models.bias import Mean
from cfexp.models.scorer import KerasScorer
from cfexp.training import checkpoint
from cfexp.training.checkpoint import Checkpointing
from cfexp.training.engines import CompiledEngine, KerasEngine, epoch_order
from cfexp.training.fit import fit_baseline, fit_model
from cfexp.training.history import Epoch
from cfexp.training.optimizers import Adagrad, Adam, AdamW, Optimizer, Sgd
from cfexp.training.program import Program
from cfexp.training.program_sharing import PLAIN_LAYERS, shared_programs
from cfexp.training.testing import evaluate_fitted

SHARED = {
    "learning_rate": 0.01,
    "schedule": "constant",
    "final_fraction": 0.1,
    "step_epochs": 1,
    "step_factor": 0.5,
    "clipnorm": 1.0,
}
OPTIMIZERS: list[Optimizer] = [
    Adam(**SHARED, update="dense", beta_1=0.9, beta_2=0.999),
    AdamW(**SHARED, beta_1=0.9, beta_2=0.999, weight_decay=0.01),
    Sgd(**SHARED, momentum=0.9, nesterov=True),
    Adagrad(**SHARED, update="dense"),
    Adam(**{**SHARED, "clipnorm": None}, update="rows", beta_1=0.9, beta_2=0.999),
    Adagrad(**{**SHARED, "clipnorm": None}, update="rows"),
]


def optimizer_id(optimizer: Optimizer) -> str:
    return f"{type(optimizer).__name__}-{getattr(optimizer, 'update', 'dense')}"


@pytest.fixture
def split(ratings: Ratings) -> Split:
    return RandomHoldout(test_size=0.2, valid_size=0.1).split(ratings, seed=0)


def losses_and_weights(
    engine_class: type, model: NeuralModel, ratings: Ratings, optimizer: Optimizer
) -> tuple[list[float], list[np.ndarray]]:
    keras.utils.set_random_seed(1)
    encoder = FeatureEncoder.fit(ratings, np.arange(3000))
    data = encode(ratings, encoder, np.arange(3000))
    network = model.build(encoder.spec, data)
    built = optimizer.build(steps_per_epoch=12, epochs=3, table_share=1)
    engine = engine_class(network, built, data, 256)
    rng = np.random.default_rng(0)
    losses = [engine.run_epoch(epoch_order(3000, 256, rng)) for _ in range(3)]
    return losses, network.get_weights()


@by_name
def test_engines_agree(model: NeuralModel, ratings: Ratings) -> None:
    """The same batches and masks give the same loss and weights."""
    one = losses_and_weights(CompiledEngine, model, ratings, OPTIMIZERS[0])
    other = losses_and_weights(KerasEngine, model, ratings, OPTIMIZERS[0])
    np.testing.assert_allclose(one[0], other[0], rtol=1e-4)
    for a, b in zip(one[1], other[1], strict=True):
        np.testing.assert_allclose(a, b, atol=2e-3)


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=optimizer_id)
def test_engines_agree_for_every_optimizer(
    optimizer: Optimizer, ratings: Ratings
) -> None:
    one = losses_and_weights(CompiledEngine, MODELS[0], ratings, optimizer)[0]
    other = losses_and_weights(KerasEngine, MODELS[0], ratings, optimizer)[0]
    np.testing.assert_allclose(one, other, rtol=1e-4)
    assert one[-1] < one[0]


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [("constant", [0.01] * 3), ("cosine", [0.01, 0.0055, 0.001])]
    + [("step", [0.01, 0.005, 0.0025])],
)
def test_schedules(schedule: str, expected: list[float]) -> None:
    optimizer = (
        OPTIMIZERS[0]
        .replace(schedule=schedule)
        .build(steps_per_epoch=10, epochs=2, table_share=1)
    )
    got = []
    for step in (0, 10, 20):
        optimizer.iterations.assign(step)
        got.append(float(optimizer.learning_rate))
    np.testing.assert_allclose(got, expected, rtol=1e-5)


def test_epoch_order_is_full_batches_of_every_row() -> None:
    order = epoch_order(10, 4, np.random.default_rng(0))
    assert len(order) == 12
    assert set(order[:10]) == set(range(10))
    assert order[10:].tolist() == order[:2].tolist()


def test_best_epoch_is_chosen_on_validation_and_restored(
    ratings: Ratings, split: Split
) -> None:
    weak = MODELS[0].replace(l2=0.0)
    fitted = fit_model(weak, ratings, split, settings=settings(epochs=60, patience=3))
    assert fitted.history is not None
    history = fitted.history
    assert history.engine == "compiled"
    assert len(history.epochs) == history.best.epoch + 3 < 60
    valid = evaluate_fitted(fitted, ratings, split.valid).evaluation.overall
    assert valid.rmse == pytest.approx(history.best.val_rmse, abs=1e-6)
    assert fitted.val_rmse == history.best.val_rmse


def test_refit_trains_on_validation_rows_too(ratings: Ratings, split: Split) -> None:
    fitted = fit_model(
        MODELS[0], ratings, split, settings=settings(refit=True, epochs=4)
    )
    known = len(split.train) + len(split.valid)
    assert fitted.encoder.user_counts.sum() == known
    ids = ratings.frame["userId"].drop(split.test)
    assert set(fitted.encoder.users) == set(ids)


@by_name
def test_test_ratings_leave_no_trace(
    model: NeuralModel, ratings: Ratings, split: Split
) -> None:
    """Permuting the test ratings leaves weights and predictions bit-identical."""
    rating = ratings.frame["rating"].to_numpy().copy()
    rating[split.test] = np.random.default_rng(0).permutation(rating[split.test])
    assert (rating != ratings.frame["rating"]).any()
    other = replace(ratings, frame=ratings.frame.assign(rating=rating))
    how = settings(refit=True, epochs=3)
    one, two = (
        fit_model(
            model,
            data,
            RandomHoldout(test_size=0.2, valid_size=0.1).split(data, seed=0),
            settings=how,
        )
        for data in (ratings, other)
    )
    assert isinstance(one.scorer, KerasScorer)
    assert isinstance(two.scorer, KerasScorer)
    pairs = zip(
        one.scorer.model.get_weights(), two.scorer.model.get_weights(), strict=True
    )
    assert all(np.array_equal(a, b) for a, b in pairs)
    assert np.array_equal(
        evaluate_fitted(one, ratings, split.test).predicted,
        evaluate_fitted(two, other, split.test).predicted,
    )


def test_diverging_training_says_what_to_change(ratings: Ratings, split: Split) -> None:
    wild = OPTIMIZERS[2].replace(learning_rate=100.0, clipnorm=None)
    how = replace(settings(), optimizer=wild)
    with pytest.raises(
        TrainingError, match="training loss is .* Lower optimizer.learn"
    ):
        fit_model(MODELS[0], ratings, split, settings=how)


class Uncompilable(NeuralModel):
    """A model with an op that XLA does not know."""

    def build(self, features, train):  # type: ignore[no-untyped-def]
        inner = MODELS[0].build(features, train)

        class Python(keras.layers.Layer):
            def call(self, x):  # type: ignore[no-untyped-def]
                y = tf.numpy_function(lambda v: v, [x], tf.float32)
                return x + 0 * tf.reshape(y, tf.shape(x))

        return keras.Model(inner.input, Python()(inner.output), name="uncompilable")


def test_falls_back_to_keras_and_says_so(
    ratings: Ratings, split: Split, caplog: pytest.LogCaptureFixture
) -> None:
    fitted = fit_model(Uncompilable(), ratings, split, settings=settings(epochs=2))
    assert fitted.history is not None
    assert fitted.history.engine == "keras"
    assert "XLA cannot compile uncompilable" in caplog.text
    assert "training.engine=keras" in caplog.text


def fit_with_checkpoints(
    ratings: Ratings,
    split: Split,
    path: Path,
    on_epoch=lambda e: None,
    or_anew: bool = False,
    **changes: object,
):  # type: ignore[no-untyped-def]
    return fit_model(
        MODELS[1],
        ratings,
        split,
        settings=settings(epochs=6, checkpoint_every=2, **changes),
        checkpoints=Checkpointing(path, lambda: {"run_id": "abc"}, or_anew),
        on_epoch=on_epoch,
    )


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_and_resumed_is_as_if_never_interrupted(
    ratings: Ratings, split: Split, tmp_path: Path, stop: signal.Signals
) -> None:
    path = tmp_path / "c" / "point.npz"

    def interrupt(epoch: Epoch) -> None:
        if epoch.epoch == 3:
            os.kill(os.getpid(), stop)

    before = signal.getsignal(stop)
    with pytest.raises(KeyboardInterrupt, match=stop.name):
        fit_with_checkpoints(ratings, split, path, interrupt)
    assert signal.getsignal(stop) is before
    resumed = fit_with_checkpoints(ratings, split, path, resume=True)
    whole = fit_with_checkpoints(ratings, split, tmp_path / "other.npz")
    assert [e.epoch for e in resumed.history.epochs] == [1, 2, 3, 4, 5, 6]
    for a, b in zip(
        resumed.scorer.model.get_weights(),
        whole.scorer.model.get_weights(),
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)
    assert not list(path.parent.glob("*.tmp"))


def test_resume_needs_a_good_checkpoint(
    ratings: Ratings, split: Split, tmp_path: Path
) -> None:
    path = tmp_path / "point.npz"
    with pytest.raises(ConfigError, match="there is no checkpoint"):
        fit_with_checkpoints(ratings, split, path, resume=True)


DAMAGES = {
    "half": lambda whole: whole[: len(whole) // 2],
    "empty": lambda whole: b"",
    "noise": lambda whole: bytes(range(256)) * 40,
    "changed": lambda whole: whole.replace(whole[2000:2100], bytes(100)),
    "no epochs": lambda whole: archive(meta=np.array('{"note": {}}')),
    "no json": lambda whole: archive(meta=np.array("{")),
    "other epochs": lambda whole: archive(meta=np.array('{"epochs": [{"a": 1}]}')),
    "other arrays": lambda whole: archive(
        meta=np.array('{"epochs": [], "note": {}}'), weights_0=np.zeros((3, 3))
    ),
}


def archive(**arrays: np.ndarray) -> bytes:
    """Returns the bytes of an archive, as of a checkpoint."""
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def test_damaged_checkpoints(
    ratings: Ratings, split: Split, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Refused in one helpful line, or replaced where a sweep goes on by itself."""
    path = tmp_path / "point.npz"
    fit_with_checkpoints(ratings, split, path)
    whole = path.read_bytes()
    for name, damage in DAMAGES.items():
        path.write_bytes(damage(whole))
        with pytest.raises(DamagedError, match="is damaged") as refused:
            fit_with_checkpoints(ratings, split, path, resume=True)
        said = str(refused.value)
        assert str(path) in said, name
        assert "training.resume=false" in said, name
        assert "\n" not in said, name
    caplog.clear()
    anew = fit_with_checkpoints(ratings, split, path, or_anew=True, resume=True)
    assert len(anew.history.epochs) == 6
    assert [r.levelname for r in caplog.records if "anew" in r.message] == ["WARNING"]
    assert len(checkpoint.load(path).epochs) == 6


def test_baselines_cannot_be_fine_tuned(ratings: Ratings, split: Split) -> None:
    fitted = fit_baseline(Mean(), ratings, split)
    with pytest.raises(ConfigError, match="cannot be fine-tuned"):
        fit_model(
            Mean(),
            ratings,
            split,
            settings=settings(),
            start=(fitted.encoder, fitted.scorer),
        )


def test_same_seed_same_weights_other_seed_others(
    ratings: Ratings, split: Split
) -> None:
    def weights(seed: int) -> list[np.ndarray]:
        how = replace(settings(epochs=2), seed=seed)
        scorer = fit_model(MODELS[2], ratings, split, settings=how).scorer
        assert isinstance(scorer, KerasScorer)
        return scorer.model.get_weights()

    one, again, other = weights(1), weights(1), weights(2)
    assert all(np.array_equal(a, b) for a, b in zip(one, again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@by_name
def test_folds_share_their_program(
    model: NeuralModel, ratings: Ratings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other rows, ids, mean and seed; the same results as with a program each."""
    made: list[Program] = []

    def program(*arguments: object) -> Program:
        made.append(Program(*arguments))
        return made[-1]

    monkeypatch.setattr("cfexp.training.engines.Program", program)

    def trained(seed: int) -> list[np.ndarray]:
        split = RandomHoldout(test_size=0.2, valid_size=0.1).split(ratings, seed=seed)
        how = replace(settings(epochs=2), seed=seed)
        fitted = fit_model(model, ratings, split, settings=how)
        return fitted.scorer.trained()

    alone = [trained(seed) for seed in (0, 1, 0)]
    assert len(made) == 3
    del made[:]
    with shared_programs():
        together = [trained(seed) for seed in (0, 1, 0)]
    plain = all(
        type(layer).__module__.startswith(PLAIN_LAYERS) for layer in network_of(model)
    )
    assert plain == (model.name in ("dot", "ncf", "deep"))
    assert len(made) == (1 if plain else 3)
    if plain:
        assert made[0].run_chunk.experimental_get_tracing_count() == 1
    for one, other in zip(alone, together, strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-5)


def network_of(model: NeuralModel) -> list[keras.layers.Layer]:
    """Returns the layers of a model."""
    ratings = synthetic().load()
    encoder = FeatureEncoder.fit(ratings, np.arange(3000))
    data = encode(ratings, encoder, np.arange(3000))
    return list(model.build(encoder.spec, data).layers)


def test_filled_up_rows_are_zero_and_not_counted(ratings: Ratings) -> None:
    """Tables have a row for every user and movie of the data, known or not."""
    few = np.arange(50)
    encoder = FeatureEncoder.fit(ratings, few)
    assert encoder.spec.item_rows == ratings.n_items + 1 > encoder.spec.n_items
    dot = next(model for model in MODELS if model.name == "dot")
    network = dot.build(encoder.spec, encode(ratings, encoder, few))
    width = dot.embed_dim  # type: ignore[attr-defined]
    table = network.get_layer("item_embedding").get_weights()[0]
    assert table.shape == (ratings.n_items + 1, width)
    assert np.all(table[: encoder.spec.n_items].std(axis=1) > 0)
    assert not table[encoder.spec.n_items :].any()
    known = encoder.spec.n_users + encoder.spec.n_items
    assert KerasScorer(network).n_parameters == known * (width + 1)
