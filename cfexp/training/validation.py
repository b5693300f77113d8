"""What validation rows say of a model besides RMSE and MAE."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cfexp.data.encoder import FeatureEncoder
from cfexp.data.ratings import RATING, IntArray, Ratings
from cfexp.data.split import Data, Split
from cfexp.errors import TrainingError
from cfexp.evaluation.metrics import FloatArray, mae
from cfexp.evaluation.objective import (
    VAL,
    VAL_MAE,
    VAL_RANKING,
    VAL_RMSE,
    Objective,
    usual,
    validation_metrics,
)
from cfexp.models.base import Scorer
from cfexp.training.held_out import HeldOut
from cfexp.training.recipe import Recipe, Usable


@dataclass(frozen=True)
class Monitor:
    """Computes the metric of validation rows that chooses an epoch.

    Attributes:
        objective: The metric.
        value: Returns it, of the model and its predictions of the rows.
    """

    objective: Objective
    value: Callable[[Scorer, FloatArray], float]

    def __call__(self, scorer: Scorer, predicted: FloatArray) -> float:
        """Returns the metric.

        Raises:
            TrainingError: It has no value, since no row is relevant.
        """
        found = self.value(scorer, predicted)
        if math.isnan(found):
            raise TrainingError(
                f"training.monitor={self.objective.name} has no value: no user has a"
                " relevant validation row. Lower evaluation.relevant_from, or choose"
                " more validation rows with split.valid_size"
            )
        return found


@dataclass(frozen=True)
class _Model:
    """A model in training, with the encoder of its inputs."""

    encoder: FeatureEncoder
    scorer: Scorer


def monitored(recipe: Recipe) -> str:
    """Returns the metric that chooses an epoch: ``training.monitor``, or NDCG.

    A model that learns to rank has no errors in stars.
    """
    name = recipe.training.monitor
    return usual(name, recipe.ranked.k) if recipe.training.ranks else name


def monitor_of(
    recipe: Recipe,
    ratings: Ratings,
    rows: tuple[IntArray, IntArray | None],
    encoder: FeatureEncoder,
) -> Monitor | None:
    """Returns what computes ``training.monitor``; None if that is the RMSE.

    Args:
        recipe: The experiment.
        ratings: The dataset.
        rows: Positions of its train and validation rows, None if there are none.
        encoder: The model's encoder.
    """
    name, (train, valid) = monitored(recipe), rows
    if valid is None or name == VAL_RMSE:
        return None
    objective = validation_metrics(recipe.ranked, recipe.metrics)[name]
    truth = ratings.frame[RATING].to_numpy(np.float64)[valid]
    if name == VAL_MAE:
        return Monitor(objective, lambda _, predicted: mae(truth, predicted))
    if name.startswith(VAL_RANKING):
        held, own = (
            held_out(recipe, ratings, train, valid),
            name.removeprefix(VAL_RANKING),
        )
        return Monitor(
            objective, lambda scorer, _: held.metrics(_Model(encoder, scorer))[own]
        )
    own = name.removeprefix(VAL)
    metric = recipe.metrics[own]
    return Monitor(objective, lambda _, predicted: metric.value(own, truth, predicted))


def held_out(
    recipe: Recipe, ratings: Ratings, train: IntArray, valid: IntArray
) -> HeldOut:
    """Returns validation rows to rank by: only movies of train rows are left out."""
    split = Split("validation", train, np.empty(0, np.int64), valid, "")
    return HeldOut.of(Data(ratings, split), recipe.ranked, recipe.seed)


def validation_ranking(
    recipe: Recipe, ratings: Ratings, split: Split, model: Usable
) -> dict[str, float]:
    """Returns how well a model ranks by validation rows; nothing without ``ranking``.

    Args:
        recipe: The experiment.
        ratings: The dataset.
        split: Its split.
        model: A model fitted to the train rows.
    """
    if not recipe.ranked.ranking or not len(split.valid):
        return {}
    found = held_out(recipe, ratings, split.train, split.valid).metrics(model)
    known = {name: value for name, value in found.items() if not math.isnan(value)}
    return {f"{VAL_RANKING}{name}": value for name, value in known.items()}
