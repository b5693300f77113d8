"""The interface of an experiment to training, and the hooks of training."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from cfexp.data.encoder import FeatureEncoder
from cfexp.data.encoding import Encoded
from cfexp.data.features import Features
from cfexp.evaluation.metric import Metric
from cfexp.evaluation.metrics import FloatArray
from cfexp.evaluation.settings import EvaluationSettings
from cfexp.models.base import Model, Scorer
from cfexp.training.checkpoint import Checkpointing
from cfexp.training.history import Epoch
from cfexp.training.optimizers import Optimizer
from cfexp.training.settings import Training


class Recipe(Protocol):
    """What to fit and how; `cfexp.experiment.Experiment` implements it."""

    @property
    def model(self) -> Model:
        """The model family."""

    @property
    def features(self) -> Features:
        """What the model knows besides ids."""

    @property
    def optimizer(self) -> Optimizer:
        """The optimizer."""

    @property
    def training(self) -> Training:
        """The training loop."""

    @property
    def ranked(self) -> EvaluationSettings:
        """Whether movies are ranked, always if the model learns to, and how."""

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """Metrics besides RMSE and MAE."""

    @property
    def seed(self) -> int:
        """Seed of weights, dropout and the order of rows."""

    @property
    def deterministic(self) -> bool:
        """Whether to use only operations with bitwise reproducible results."""


class Usable(Protocol):
    """A trained model with the encoder of its inputs."""

    @property
    def encoder(self) -> FeatureEncoder:
        """The encoder."""

    @property
    def scorer(self) -> Scorer:
        """The model."""


Predict = Callable[[Encoded], FloatArray]


def ignore(epoch: Epoch) -> None:
    """Does nothing with an epoch."""


def ignore_model(encoder: FeatureEncoder, predict: Predict) -> None:
    """Does nothing with a model."""


@dataclass(frozen=True)
class Hooks:
    """Checkpoints and callbacks of a training.

    Attributes:
        checkpoints: Where to save checkpoints of a neural model; None: nowhere.
        on_epoch: Called after each epoch.
        on_model: Called before the first, with the encoder and what then predicts.
        of_refit: Returns the hooks of the refit, when it starts; None: it has none.
    """

    checkpoints: Checkpointing | None = None
    on_epoch: Callable[[Epoch], None] = ignore
    on_model: Callable[[FeatureEncoder, Predict], None] = ignore_model
    of_refit: "Callable[[], Hooks] | None" = None

    def refit(self) -> "Hooks":
        """Returns the hooks of the refit, which starts now."""
        return self.of_refit() if self.of_refit else NO_HOOKS


NO_HOOKS = Hooks()
