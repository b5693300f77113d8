"""Fits a model of any family to a split."""

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from cfexp.data.encoder import FeatureEncoder, encode
from cfexp.data.ratings import IntArray, Ratings
from cfexp.data.split import Split
from cfexp.errors import ConfigError
from cfexp.evaluation.metrics import FloatArray, mae, rmse
from cfexp.models.base import Baseline, Model, NeuralModel, SampledModel, Scorer
from cfexp.models.members import MembersScorer
from cfexp.models.trained_on import FittedBaseline
from cfexp.runtime import process, tensorflow
from cfexp.training.history import History
from cfexp.training.recipe import NO_HOOKS, Hooks, Recipe, Usable
from cfexp.training.validation import validation_ranking

log = logging.getLogger(__name__)

# Rows of which a sampler holds so much that its memory is freed at once.
LARGE = 1_000_000


@dataclass(frozen=True)
class Fitted:
    """A fitted model.

    Attributes:
        scorer: The model.
        encoder: The encoder of its inputs.
        rows: Positions of the rows that it was fitted to, those of a refit included.
        val_predicted: Predictions of the validation rows, before a refit; empty if
            there are none.
        val_rmse: RMSE on the validation rows, in stars; None if there are none, or if
            the model learned to rank.
        val_mae: MAE, as `val_rmse`.
        history: The epochs of a neural model.
        val_ranking: How well it ranks by validation rows, before a refit, as metrics.
    """

    scorer: Scorer
    encoder: FeatureEncoder
    rows: IntArray
    val_predicted: FloatArray
    val_rmse: float | None
    val_mae: float | None
    history: History | None = None
    val_ranking: Mapping[str, float] = field(default_factory=dict)


def fit_model(
    recipe: Recipe,
    ratings: Ratings,
    split: Split,
    *,
    hooks: Hooks = NO_HOOKS,
    start: Usable | None = None,
) -> Fitted:
    """Fits a model of any family.

    Args:
        recipe: Model, optimizer, training settings and seed.
        ratings: The dataset.
        split: Its split; the test ratings are not read. Without validation rows the
            last epoch is kept.
        hooks: Checkpoints, and a callback for epochs.
        start: A trained model to fine-tune; its weights are changed in place.

    Raises:
        ConfigError: `start` is given for a baseline, or there is no checkpoint to
            resume from.
        TrainingError: The loss is not finite.
    """
    model = recipe.model
    if start:
        check_tunable(model)
    if isinstance(model, Baseline):
        return fit_baseline(model, ratings, split, recipe)
    if isinstance(model, SampledModel):
        return _fit_by_samples(recipe, ratings, split, hooks)
    assert isinstance(model, NeuralModel)
    return _fit_in_epochs(recipe, ratings, split, hooks, start)


def _fit_in_epochs(
    recipe: Recipe, ratings: Ratings, split: Split, hooks: Hooks, start: Usable | None
) -> Fitted:
    """Fits a neural model; then, with ``training.refit``, on all but the test rows."""
    tensorflow.start()  # which the next module imports
    from cfexp.training.neural import fit_neural
    from cfexp.training.stage import Stage

    stage = Stage(split.train, split.valid if len(split.valid) else None)
    found = last = fit_neural(recipe, ratings, stage, hooks=hooks, start=start)
    best = found.history.best
    ranked = validation_ranking(recipe, ratings, split, found)
    if best.epoch == 0:
        log.warning(
            "no epoch predicts the validation rows better than the model that training"
            " started from, which is kept unchanged; lower optimizer.learning_rate to"
            " improve it"
        )
    if recipe.training.refit:
        log.info("refitting on train and validation rows for %d epochs", best.epoch)
        stage = Stage(train_and_valid(split), epochs=best.epoch)
        last = fit_neural(recipe, ratings, stage, hooks=hooks.refit(), start=start)
    scorer = last.scorer
    if isinstance(scorer, MembersScorer) and isinstance(found.scorer, MembersScorer):
        # After a refit, no rows are left that it was not trained on.
        scorer = scorer.as_uncertain_as(found.scorer)
    return Fitted(
        scorer=scorer,
        encoder=last.encoder,
        rows=stage.train,
        val_predicted=found.val_predicted,
        val_rmse=_number(best.val_rmse),
        val_mae=_number(best.val_mae),
        history=found.history,
        val_ranking=ranked,
    )


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def _fit_by_samples(
    recipe: Recipe, ratings: Ratings, split: Split, hooks: Hooks
) -> Fitted:
    """Samples the posterior of the train rows, then that of train and validation rows.

    As with baselines, the first gives the validation error and the second is tested.
    """
    tensorflow.start()  # which the next module imports
    from cfexp.training.sampling import sample_posterior

    first = sample_posterior(recipe, ratings, split.train, split.valid, hooks=hooks)
    valid = encode(ratings, first.encoder, split.valid)
    predicted = first.scorer.predict(valid)
    ranked = validation_ranking(recipe, ratings, split, first)
    rows = train_and_valid(split)
    large = len(rows) > LARGE
    process.collect_garbage(large=large)  # the sampler, with tables of all rows
    last = sample_posterior(recipe, ratings, rows, None, hooks=hooks.refit())
    process.collect_garbage(large=large)
    return Fitted(
        scorer=last.scorer,
        encoder=last.encoder,
        rows=rows,
        val_predicted=predicted,
        val_rmse=rmse(valid.rating, predicted),
        val_mae=mae(valid.rating, predicted),
        history=first.history,
        val_ranking=ranked,
    )


def fit_baseline(
    model: Baseline, ratings: Ratings, split: Split, recipe: Recipe | None = None
) -> Fitted:
    """Fits a baseline to the train rows, then to train and validation rows.

    The first fit gives the validation error, the second one is tested: nothing is
    chosen on the validation rows.

    Args:
        model: The baseline.
        ratings: The dataset.
        split: Its split.
        recipe: The experiment, which says whether movies are ranked; None: no.
    """
    encoder = FeatureEncoder.fit(ratings, split.train)
    train = encode(ratings, encoder, split.train)
    valid = encode(ratings, encoder, split.valid)
    first = FittedBaseline(encoder, model.fit(train, encoder.spec))
    predicted = first.scorer.predict(valid)
    ranked = validation_ranking(recipe, ratings, split, first) if recipe else {}
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
        val_ranking=ranked,
    )


def train_and_valid(split: Split) -> IntArray:
    """Returns the train and validation rows, sorted."""
    return np.sort(np.concatenate([split.train, split.valid]))


def check_tunable(model: Model) -> None:
    """Checks that models of this family can be fine-tuned.

    Raises:
        ConfigError: They cannot.
    """
    if not isinstance(model, NeuralModel):
        raise ConfigError(
            f"model={model.name} is not trained in epochs and cannot be fine-tuned."
            " Train it on the new data with mode=train."
        )
