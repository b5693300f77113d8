"""Fits a model family to a split: encoders, training, and the refit before the test."""

import logging
from dataclasses import dataclass

import numpy as np

from cfexp.data.encoder import FeatureEncoder, encode
from cfexp.data.ratings import IntArray, Ratings
from cfexp.data.split import Split
from cfexp.errors import ConfigError
from cfexp.evaluation.metrics import FloatArray, mae, rmse
from cfexp.models.base import Baseline, Model, NeuralModel, Scorer
from cfexp.runtime import tensorflow
from cfexp.training.history import History
from cfexp.training.recipe import NO_HOOKS, Hooks, Recipe, Usable

log = logging.getLogger(__name__)


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


def fit_model(
    recipe: Recipe,
    ratings: Ratings,
    split: Split,
    *,
    hooks: Hooks = NO_HOOKS,
    start: Usable | None = None,
) -> Fitted:
    """Fits any model family.

    Args:
        recipe: What to fit, and how.
        ratings: The dataset.
        split: Its split; no rating of the test rows is read. Without validation rows
            the last epoch is kept.
        hooks: Checkpoints, and who is told of epochs.
        start: A trained model whose weights training starts from; it is changed.

    Raises:
        ConfigError: A baseline was asked to start from a trained model.
        TrainingError: The loss is not finite, or there is no checkpoint to resume.
    """
    model = recipe.model
    if start:
        check_tunable(model)
    if isinstance(model, Baseline):
        return fit_baseline(model, ratings, split)
    assert isinstance(model, NeuralModel)
    return _fit_in_epochs(recipe, ratings, split, hooks, start)


def _fit_in_epochs(
    recipe: Recipe, ratings: Ratings, split: Split, hooks: Hooks, start: Usable | None
) -> Fitted:
    """Fits a neural model, and once more where the training says so."""
    tensorflow.start()  # which the next module imports
    from cfexp.training.neural import Stage, fit_neural

    stage = Stage(split.train, split.valid if len(split.valid) else None)
    found = last = fit_neural(recipe, ratings, stage, hooks=hooks, start=start)
    best = found.history.best
    if best.epoch == 0:
        log.warning(
            "no epoch predicts the validation rows better than the trained model did:"
            " it is kept as it was; lower optimizer.learning_rate to improve it"
        )
    if recipe.training.refit:
        log.info("refitting on train and validation rows for %d epochs", best.epoch)
        stage = Stage(train_and_valid(split), epochs=best.epoch)
        last = fit_neural(recipe, ratings, stage, start=start)
    return Fitted(
        scorer=last.scorer,
        encoder=last.encoder,
        rows=stage.train,
        val_predicted=found.val_predicted,
        val_rmse=best.val_rmse if len(split.valid) else None,
        val_mae=best.val_mae if len(split.valid) else None,
        history=found.history,
    )


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
