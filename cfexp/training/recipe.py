"""The interface of an experiment to training, and the hooks of training."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from cfexp.data.encoder import FeatureEncoder
from cfexp.data.features import Features
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


def ignore(epoch: Epoch) -> None:
    """Does nothing with an epoch."""


@dataclass(frozen=True)
class Hooks:
    """Checkpoints and callbacks of a training.

    Attributes:
        checkpoints: Where to save checkpoints of a neural model; None: nowhere.
        on_epoch: Called after each epoch.
    """

    checkpoints: Checkpointing | None = None
    on_epoch: Callable[[Epoch], None] = ignore


NO_HOOKS = Hooks()
