"""Optimizers and learning-rate schedules, as specs that build Keras optimizers."""

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from cfexp.errors import ConfigError
from cfexp.spec import Spec

if TYPE_CHECKING:
    import keras

LearningRate = Annotated[float, Field(gt=0, le=100)]
# Decay of a moving average.
Decay = Annotated[float, Field(ge=0, lt=1)]


class Optimizer(Spec):
    """An optimizer of Keras with a learning-rate schedule.

    A subclass names Keras' class, and those of its arguments that can be set are its
    own fields.

    Attributes:
        kind: Name of the class in ``keras.optimizers``.
        learning_rate: Learning rate at the start.
        schedule: ``constant``; ``cosine``, down to `final_fraction` of the start
            after the last epoch; or ``step``, times `step_factor` every `step_epochs`.
        final_fraction: See `schedule`.
        step_epochs: See `schedule`.
        step_factor: See `schedule`.
        clipnorm: Largest norm of all gradients together; not clipped where None.
    """

    group: ClassVar[str] = "optimizer"
    kind: ClassVar[str] = ""
    # Fields that are no arguments of Keras.
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
        """Returns a fresh Keras optimizer.

        Args:
            steps_per_epoch: Batches in an epoch.
            epochs: Epochs of the learning-rate schedule.
            table_share: How much of the embedding tables a batch looks up, at most.
        """
        shared = {*Optimizer.model_fields, *self.not_keras}
        own = {k: v for k, v in self.settings().items() if k not in shared}
        return self.keras_class(table_share)(
            learning_rate=self._rate(steps_per_epoch, epochs),
            global_clipnorm=self.clipnorm,
            **own,
        )

    def keras_class(self, table_share: float) -> type[Any]:
        """Returns the class of the Keras optimizer; see `build`.

        Raises:
            ConfigError: There is none of this kind.
        """
        import keras

        found = getattr(keras.optimizers, self.kind, None)
        if found is None:
            raise ConfigError(
                f"{self.label()} names no optimizer of Keras in its attribute kind,"
                f" such as Adam. Got: {self.kind!r}"
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


# A batch that looks up less of the tables than this is quicker updated row by row.
# python scripts/bench_training.py --models dot --batches 256,512,1024,2048
ROWS_BELOW = 0.5


class RowwiseOptimizer(Optimizer):
    """Base of optimizers that can update only the rows that a batch looks up.

    Attributes:
        update: ``dense``, every row at each step; ``rows``, looked-up rows only; or
            ``auto``, rows where tables are large for the batch.
    """

    not_keras: ClassVar[tuple[str, ...]] = ("update",)

    update: Literal["auto", "dense", "rows"] = "auto"

    def problems(self) -> list[str]:
        if self.update != "rows" or self.clipnorm is None:
            return []
        return [
            "update=rows knows no norm of all gradients, so it cannot be combined"
            f" with clipnorm. Set update=dense. Got: clipnorm={self.clipnorm:g}"
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
    """Adam (Kingma and Ba, 2015)."""

    kind: ClassVar[str] = "Adam"

    beta_1: Decay = 0.9
    beta_2: Decay = 0.999


class AdamW(Optimizer):
    """Adam with decoupled weight decay (Loshchilov and Hutter, 2019)."""

    kind: ClassVar[str] = "AdamW"

    beta_1: Decay = 0.9
    beta_2: Decay = 0.999
    weight_decay: Annotated[float, Field(ge=0)] = 0.0001


class Sgd(Optimizer):
    """Stochastic gradient descent with momentum."""

    kind: ClassVar[str] = "SGD"

    learning_rate: LearningRate = 0.02
    momentum: Decay = 0.9
    nesterov: bool = True


class Adagrad(RowwiseOptimizer):
    """Adagrad (Duchi, Hazan and Singer, 2011)."""

    kind: ClassVar[str] = "Adagrad"

    learning_rate: LearningRate = 0.05
