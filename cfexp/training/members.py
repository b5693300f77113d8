"""The members of a model in training: networks that are trained side by side."""

from collections.abc import Sequence

import keras
import numpy as np

from cfexp.data.encoding import Encoded
from cfexp.models.base import Scorer
from cfexp.models.layers.ranking import ranking_head
from cfexp.models.members import MeanScorer, MembersScorer
from cfexp.models.scorer import KerasScorer
from cfexp.training.checkpoint import Weights
from cfexp.training.engines import EpochErrors
from cfexp.training.member import Member, seeds_of
from cfexp.training.recipe import Recipe


def scorer_of(
    models: Sequence[keras.Model], valid: Encoded | None = None, noise: float = 0.0
) -> Scorer:
    """Returns what predicts with one network, or with the mean of several.

    Args:
        models: The networks.
        valid: Rows that they were not trained on, which tell how far off the mean is.
        noise: The noise if there are no such rows, see `MembersScorer`.
    """
    scorers = tuple(map(KerasScorer, models))
    if not scorers[1:]:
        return scorers[0]
    if ranking_head(models[0]):
        return MeanScorer(scorers)
    found = MembersScorer(scorers, noise)
    return found.calibrated(valid) if valid else found


class Members:
    """Trains networks of one architecture epoch by epoch, each for the same number.

    Args:
        models: Networks built by `NeuralModel.build`, one or more.
        data: The training rows.
        recipe: Optimizer, training settings and seed.
    """

    def __init__(self, models: Sequence[keras.Model], data: Encoded, recipe: Recipe):
        seeds = seeds_of(recipe)
        self._each = [
            Member.of(model, data, recipe, seed)
            for model, seed in zip(models, seeds, strict=True)
        ]
        self.scorer = scorer_of(models)

    def run_epoch(self, number: int) -> EpochErrors:
        """Trains each network for an epoch; returns their mean errors."""
        found = [one.run_epoch(number) for one in self._each]
        loss, square = np.mean([(one.loss, one.rmse**2) for one in found], axis=0)
        return EpochErrors.of(loss, square)

    @property
    def engine(self) -> str:
        """Name of the engine in use."""
        return self._each[0].engine.name

    @property
    def learning_rate(self) -> float:
        """The learning rate of the next batch."""
        self._settle()
        return float(self._each[0].optimizers.batchwise.learning_rate)

    @property
    def n_rows(self) -> int:
        """Number of rows in an epoch of all networks."""
        return sum(len(one.data) for one in self._each)

    @property
    def weights(self) -> Weights:
        """Values of the networks' variables, one network after the other."""
        return [values for one in self._each for values in one.model.get_weights()]

    @weights.setter
    def weights(self, values: Weights) -> None:
        for part, one in zip(self._parts(values), self._each, strict=True):
            one.model.set_weights(part)

    @property
    def optimizer(self) -> Weights:
        """Values of the optimizers' variables, one network's after the other's."""
        self._settle()
        return [v.numpy() for one in self._each for v in one.optimizers.variables]

    @optimizer.setter
    def optimizer(self, values: Weights) -> None:
        for part, one in zip(self._parts(values), self._each, strict=True):
            for variable, value in zip(one.optimizers.variables, part, strict=True):
                variable.assign(value)

    def _settle(self) -> None:
        for one in self._each:
            one.engine.settle()

    def _parts(self, values: Weights) -> list[Weights]:
        """Returns the values of each network, which have equally many."""
        n = len(values) // len(self._each)
        return [values[start : start + n] for start in range(0, len(values), n)]
