"""Optimizers and learning-rate schedules: options that build Keras optimizers."""

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from cfexp.errors import ConfigError
from cfexp.spec import Spec

if TYPE_CHECKING:
    import keras

LearningRate = Annotated[float, Field(gt=0, le=100)]
# Decay rate of a moving average.
Decay = Annotated[float, Field(ge=0, lt=1)]
# Below this share of looked-up table rows, updating single rows is faster, see
# python scripts/bench_training.py --models dot --batches 256,512,1024,2048
ROWS_BELOW = 0.5


class Optimizer(Spec):
    """A Keras optimizer with a learning-rate schedule.

    A subclass sets `kind`; its own fields are arguments of that Keras class.

    Attributes:
        kind: Name of the class in ``keras.optimizers``.
        learning_rate: Initial learning rate.
        schedule: ``constant``; ``cosine`` decay to `final_fraction` of the initial rate
            after the last epoch; or ``step``, multiplied by `step_factor` every
            `step_epochs`.
        final_fraction: Of ``cosine``: the last learning rate, as a share of the first.
        step_epochs: Of ``step``: epochs between two steps.
        step_factor: Of ``step``: factor of the learning rate at each step.
        clipnorm: Maximum global norm of the gradients; None: no clipping.
    """

    group: ClassVar[str] = "optimizer"
    kind: ClassVar[str] = ""
    # Own fields that are not arguments of the Keras class.
    not_keras: ClassVar[tuple[str, ...]] = ()

    learning_rate: LearningRate = 0.01
    schedule: Literal["constant", "cosine", "step"] = "cosine"
    final_fraction: Annotated[float, Field(ge=0, le=1)] = 0.0
    step_epochs: Annotated[int, Field(ge=1)] = 10
    step_factor: Annotated[float, Field(gt=0, le=1)] = 0.5
    clipnorm: Annotated[float, Field(gt=0)] | None = None

    def build(
        self, *, steps_per_epoch: int, epochs: int, table_share: float
    ) -> "keras.optimizers.Optimizer":
        """Returns a new Keras optimizer.

        Args:
            steps_per_epoch: Batches in an epoch.
            epochs: Epochs of the learning-rate schedule.
            table_share: Largest share of the embedding tables that a batch looks up.
        """
        shared = {*Optimizer.model_fields, *self.not_keras}
        own = {k: v for k, v in self.settings().items() if k not in shared}
        return self.keras_class(table_share)(
            learning_rate=self._rate(steps_per_epoch, epochs),
            global_clipnorm=self.clipnorm,
            **own,
        )

    def keras_class(self, table_share: float) -> type[Any]:
        """Returns the class of the Keras optimizer; arguments as in `build`.

        Raises:
            ConfigError: Keras has no optimizer of this `kind`.
        """
        import keras

        found = getattr(keras.optimizers, self.kind, None)
        if found is None:
            raise ConfigError(
                f"{self.label()}: kind must be the name of a Keras optimizer, such as"
                f" Adam. Got: {self.kind!r}"
            )
        return found

    def _rate(self, steps_per_epoch: int, epochs: int) -> Any:
        from keras.optimizers.schedules import CosineDecay, ExponentialDecay

        rate = self.learning_rate
        if self.schedule == "cosine":
            return CosineDecay(rate, steps_per_epoch * epochs, self.final_fraction)
        if self.schedule == "step":
            steps = steps_per_epoch * self.step_epochs
            return ExponentialDecay(rate, steps, self.step_factor, staircase=True)
        return rate


class RowwiseOptimizer(Optimizer):
    """Base class of optimizers that can update only the rows that a batch looks up.

    Attributes:
        update: ``dense``: all rows at each step; ``rows``: looked-up rows only;
            ``auto``: ``rows`` if tables are large in comparison with the batch.
    """

    not_keras: ClassVar[tuple[str, ...]] = ("update",)

    update: Literal["auto", "dense", "rows"] = "auto"

    def problems(self) -> list[str]:
        if self.update != "rows" or self.clipnorm is None:
            return []
        return [
            "update=rows does not compute the norm of all gradients, so it cannot be"
            " combined with clipnorm. Set update=dense. Got: clipnorm="
            f"{self.clipnorm:g}"
        ]

    def by_rows(self, table_share: float) -> bool:
        """Returns whether only looked-up rows are updated."""
        if self.update == "auto":
            return self.clipnorm is None and table_share < ROWS_BELOW
        return self.update == "rows"

    def keras_class(self, table_share: float) -> type[Any]:
        from cfexp.training import rowwise

        if self.by_rows(table_share):
            return getattr(rowwise, f"Rowwise{self.kind}")
        return super().keras_class(table_share)


class Adam(RowwiseOptimizer):
    """Adam (Kingma and Ba, 2015, Algorithm 1).

    Attributes:
        beta_1: Decay rate of the mean of gradients.
        beta_2: Decay rate of the mean of squared gradients.
    """

    kind: ClassVar[str] = "Adam"

    beta_1: Decay = 0.9
    beta_2: Decay = 0.999


class AdamW(Optimizer):
    """Adam with decoupled weight decay (Loshchilov and Hutter, 2019, Algorithm 2).

    Attributes:
        beta_1: Decay rate of the mean of gradients.
        beta_2: Decay rate of the mean of squared gradients.
        weight_decay: Share of each weight, times the learning rate, that a step takes
            off.
    """

    kind: ClassVar[str] = "AdamW"

    beta_1: Decay = 0.9
    beta_2: Decay = 0.999
    weight_decay: Annotated[float, Field(ge=0)] = 0.0001


class Sgd(Optimizer):
    """Stochastic gradient descent with momentum.

    Attributes:
        momentum: Share of the last step that the next one repeats; 0: none.
        nesterov: Use Nesterov's momentum, with the gradient after that repetition.
    """

    kind: ClassVar[str] = "SGD"

    learning_rate: LearningRate = 0.02
    momentum: Decay = 0.9
    nesterov: bool = True


class Adagrad(RowwiseOptimizer):
    """Adagrad (Duchi, Hazan and Singer, 2011)."""

    kind: ClassVar[str] = "Adagrad"

    learning_rate: LearningRate = 0.05
