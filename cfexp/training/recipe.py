"""What is fitted and how, and what training keeps and tells."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from cfexp.data.encoder import FeatureEncoder
from cfexp.models.base import Model, Scorer
from cfexp.training.checkpoint import Checkpointing
from cfexp.training.history import Epoch
from cfexp.training.optimizers import Optimizer
from cfexp.training.settings import Training


class Recipe(Protocol):
    """What is fitted and how; `cfexp.experiment.Experiment` is one."""

    @property
    def model(self) -> Model:
        """The model family."""

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
        """Use only ops that give the same bits each time."""


class Usable(Protocol):
    """A model with the encoder of its inputs."""

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
    """What a training keeps, and whom it tells.

    Attributes:
        checkpoints: Where to keep checkpoints of a neural model.
        on_epoch: Called after each epoch.
    """

    checkpoints: Checkpointing | None = None
    on_epoch: Callable[[Epoch], None] = ignore


NO_HOOKS = Hooks()
