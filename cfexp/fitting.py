"""Fits a model family to a split: encoders, training, and the refit before the test."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cfexp.data.ratings import IntArray, Ratings
from cfexp.errors import ConfigError
from cfexp.evaluate import Evaluation, evaluate, mae, rmse
from cfexp.features import Encoded, FeatureEncoder
from cfexp.models.base import Baseline, Model, NeuralModel, Scorer
from cfexp.optimizers import Optimizer
from cfexp.split import Split
from cfexp.training.checkpoint import Checkpointing
from cfexp.training.history import Epoch, History
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
        val_predicted: Predictions of the validation rows, before a refit.
        val_rmse: Their RMSE.
        val_mae: Their MAE.
        history: The epochs of a neural model.
    """

    scorer: Scorer
    encoder: FeatureEncoder
    val_predicted: FloatArray
    val_rmse: float
    val_mae: float
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


def encode(ratings: Ratings, encoder: FeatureEncoder, rows: IntArray) -> Encoded:
    """Encodes the ratings at some row positions."""
    return encoder.transform(ratings.frame.iloc[rows], ratings.movies)


def fit_baselines(
    models: Mapping[str, Baseline], ratings: Ratings, split: Split
) -> dict[str, Fitted]:
    """Fits baselines on train for the validation error, then on train + validation.

    Nothing is chosen on the validation rows, so the test may use them.
    """
    encoder = FeatureEncoder.fit(ratings, split.train)
    train = encode(ratings, encoder, split.train)
    valid = encode(ratings, encoder, split.valid)
    predicted = {
        name: model.fit(train, encoder.spec).predict(valid)
        for name, model in models.items()
    }
    del train
    rows = train_and_valid(split)
    encoder = FeatureEncoder.fit(ratings, rows)
    whole = encode(ratings, encoder, rows)
    return {
        name: Fitted(
            scorer=model.fit(whole, encoder.spec),
            encoder=encoder,
            val_predicted=predicted[name],
            val_rmse=rmse(valid.rating, predicted[name]),
            val_mae=mae(valid.rating, predicted[name]),
        )
        for name, model in models.items()
    }


def fit_baseline(model: Baseline, ratings: Ratings, split: Split) -> Fitted:
    """Fits one baseline, as `fit_baselines`."""
    return fit_baselines({model.name: model}, ratings, split)[model.name]


def train_and_valid(split: Split) -> IntArray:
    """Returns the rows of both parts, in order."""
    return np.sort(np.concatenate([split.train, split.valid]))


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
        split: Its split; no rating of the test rows is read.
        settings: How to fit a neural model.
        checkpoints: Where to keep checkpoints of a neural model.
        on_epoch: Called after each epoch.
        start: A trained model to go on from, with its encoder.

    Raises:
        ConfigError: A baseline was asked to go on from a trained model.
        TrainingError: The loss is not finite, or there is no checkpoint to resume.
    """
    if start and not isinstance(model, NeuralModel):
        raise ConfigError(
            f"model={model.name} is not trained in epochs and cannot be fine-tuned."
            " Train it anew on the new data with mode=train."
        )
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
        split.valid,
        settings=settings,
        checkpoints=checkpoints,
        on_epoch=on_epoch,
        start=start,
    )
    best = history.best
    val_predicted = scorer.predict(encode(ratings, encoder, split.valid))
    if settings.training.refit:
        log.info("refitting on train and validation rows for %d epochs", best.epoch)
        encoder, scorer, _ = fit_neural(
            model,
            ratings,
            train_and_valid(split),
            None,
            settings=settings,
            epochs=best.epoch,
            start=start,
        )
    return Fitted(scorer, encoder, val_predicted, best.val_rmse, best.val_mae, history)


@dataclass(frozen=True)
class Tested:
    """Predictions of some rows and their errors.

    Attributes:
        predicted: Shape ``(n,)``.
        user_count: Ratings of each row's user that the model was fitted to.
        item_count: The same of its movie.
        evaluation: The errors.
    """

    predicted: FloatArray
    user_count: IntArray
    item_count: IntArray
    evaluation: Evaluation


def evaluate_fitted(fitted: Fitted, ratings: Ratings, rows: IntArray) -> Tested:
    """Predicts and evaluates some rows of the dataset a model was fitted to."""
    encoded = encode(ratings, fitted.encoder, rows)
    predicted = fitted.scorer.predict(encoded)
    seen = fitted.encoder.times_seen(encoded)
    evaluation = evaluate(encoded, predicted, seen=seen)
    return Tested(predicted, seen["user"], seen["item"], evaluation)
