"""Fits a model family to a split: encoders, training, and the refit before the test."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cfexp.data.encoder import FeatureEncoder, encode
from cfexp.data.ratings import IntArray, Ratings
from cfexp.data.split import Split
from cfexp.errors import ConfigError
from cfexp.evaluation.metrics import mae, rmse
from cfexp.models.base import Baseline, Model, NeuralModel, Scorer
from cfexp.training.checkpoint import Checkpointing
from cfexp.training.history import Epoch, History
from cfexp.training.optimizers import Optimizer
from cfexp.training.settings import Training

log = logging.getLogger(__name__)


Start = tuple[FeatureEncoder, Scorer]


FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Fitted:
    """A fitted model.

    Attributes:
        scorer: The model.
        encoder: The encoder that was fitted with it.
        rows: Positions of the rows that it was fitted to at last.
        val_predicted: Predictions of the validation rows, before a refit; empty where
            there are none.
        val_rmse: Their RMSE; None where there are none.
        val_mae: Their MAE; None where there are none.
        history: The epochs of a neural model.
    """

    scorer: Scorer
    encoder: FeatureEncoder
    rows: IntArray
    val_predicted: FloatArray
    val_rmse: float | None
    val_mae: float | None
    history: History | None = None


@dataclass(frozen=True)
class Settings:
    """How to fit a neural model.

    Attributes:
        training: The training loop.
        optimizer: The optimizer.
        seed: Seed of weights, dropout and the order of rows.
        deterministic: Use only ops that give the same bits each time.
    """

    training: Training
    optimizer: Optimizer
    seed: int
    deterministic: bool


def fit_baseline(model: Baseline, ratings: Ratings, split: Split) -> Fitted:
    """Fits a baseline on train for the validation error, then on train + validation.

    Nothing is chosen on the validation rows, so the test may use them.
    """
    encoder = FeatureEncoder.fit(ratings, split.train)
    train = encode(ratings, encoder, split.train)
    valid = encode(ratings, encoder, split.valid)
    predicted = model.fit(train, encoder.spec).predict(valid)
    del train
    rows = train_and_valid(split)
    encoder = FeatureEncoder.fit(ratings, rows)
    return Fitted(
        scorer=model.fit(encode(ratings, encoder, rows), encoder.spec),
        encoder=encoder,
        rows=rows,
        val_predicted=predicted,
        val_rmse=rmse(valid.rating, predicted),
        val_mae=mae(valid.rating, predicted),
    )


def train_and_valid(split: Split) -> IntArray:
    """Returns the rows of both parts, in order."""
    return np.sort(np.concatenate([split.train, split.valid]))


def check_tunable(model: Model) -> None:
    """Checks that a trained model of this family can be trained further.

    Raises:
        ConfigError: It cannot.
    """
    if not isinstance(model, NeuralModel):
        raise ConfigError(
            f"model={model.name} is not trained in epochs and cannot be fine-tuned."
            " Train it anew on the new data with mode=train."
        )


def fit_model(
    model: Model,
    ratings: Ratings,
    split: Split,
    *,
    settings: Settings,
    checkpoints: Checkpointing | None = None,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
    start: Start | None = None,
) -> Fitted:
    """Fits any model family.

    Args:
        model: The family.
        ratings: The dataset.
        split: Its split; no rating of the test rows is read. Without validation rows
            the last epoch is kept.
        settings: How to fit a neural model.
        checkpoints: Where to keep checkpoints of a neural model.
        on_epoch: Called after each epoch.
        start: A trained model to go on from, with its encoder.

    Raises:
        ConfigError: A baseline was asked to go on from a trained model.
        TrainingError: The loss is not finite, or there is no checkpoint to resume.
    """
    if start:
        check_tunable(model)
    if isinstance(model, Baseline):
        return fit_baseline(model, ratings, split)
    assert isinstance(model, NeuralModel)
    model.prepare()
    # This module imports TensorFlow, so not at the top.
    from cfexp.training.neural import fit_neural

    encoder, scorer, history = fit_neural(
        model,
        ratings,
        split.train,
        split.valid if len(split.valid) else None,
        settings=settings,
        checkpoints=checkpoints,
        on_epoch=on_epoch,
        start=start,
    )
    best, rows = history.best, split.train
    if best.epoch == 0:
        log.warning(
            "no epoch predicts the validation rows better than the trained model did:"
            " it is kept as it was; lower optimizer.learning_rate to improve it"
        )
    val_predicted = np.empty(0)
    if len(split.valid):
        val_predicted = scorer.predict(encode(ratings, encoder, split.valid))
    if settings.training.refit:
        log.info("refitting on train and validation rows for %d epochs", best.epoch)
        rows = train_and_valid(split)
        encoder, scorer, _ = fit_neural(
            model,
            ratings,
            rows,
            None,
            settings=settings,
            epochs=best.epoch,
            start=start,
        )
    validated = bool(len(split.valid))
    return Fitted(
        scorer=scorer,
        encoder=encoder,
        rows=rows,
        val_predicted=val_predicted,
        val_rmse=best.val_rmse if validated else None,
        val_mae=best.val_mae if validated else None,
        history=history,
    )
