"""Optimizers and learning-rate schedules, as specs that build Keras optimizers."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cfexp.spec import Spec, choice, number

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, kw_only=True)
class Optimizer(Spec):
    """Base of all optimizers.

    Attributes:
        learning_rate: Learning rate at the start.
        schedule: ``constant``; ``cosine``, down to `final_fraction` of the start
            after the last epoch; or ``step``, times `step_factor` every `step_epochs`.
        final_fraction: See `schedule`.
        step_epochs: See `schedule`.
        step_factor: See `schedule`.
        clipnorm: Largest norm of all gradients together; not clipped where None.
    """

    learning_rate: float = number(gt=0, le=100)
    schedule: str = choice("constant", "cosine", "step")
    final_fraction: float = number(ge=0, le=1)
    step_epochs: int = number(ge=1)
    step_factor: float = number(gt=0, le=1)
    clipnorm: float | None = number(gt=0)

    def build(
        self, *, steps_per_epoch: int, epochs: int, table_share: float
    ) -> "keras.optimizers.Optimizer":
        """Returns a fresh Keras optimizer.

        Args:
            steps_per_epoch: Batches in an epoch.
            epochs: Epochs of the learning-rate schedule.
            table_share: How much of the embedding tables a batch looks up, at most.
        """
        raise NotImplementedError

    def _shared(self, steps_per_epoch: int, epochs: int) -> dict[str, object]:
        from keras.optimizers.schedules import CosineDecay, ExponentialDecay

        rate: object = self.learning_rate
        if self.schedule == "cosine":
            rate = CosineDecay(rate, steps_per_epoch * epochs, self.final_fraction)
        elif self.schedule == "step":
            steps = steps_per_epoch * self.step_epochs
            rate = ExponentialDecay(rate, steps, self.step_factor, staircase=True)
        return {"learning_rate": rate, "global_clipnorm": self.clipnorm}


# A batch that looks up less of the tables than this is quicker updated row by row.
# python scripts/bench_training.py --models dot --batches 256,512,1024,2048
ROWS_BELOW = 0.5


@dataclass(frozen=True, kw_only=True)
class RowwiseOptimizer(Optimizer):
    """Base of optimizers that can update only the rows that a batch looks up.

    Attributes:
        update: ``dense``, every row at each step; ``rows``, looked-up rows only; or
            ``auto``, rows where tables are large for the batch.
    """

    update: str = choice("auto", "dense", "rows")

    def problems(self) -> list[str]:
        found = super().problems()
        if self.update == "rows" and self.clipnorm is not None:
            found.append(
                "update=rows knows no norm of all gradients, so it cannot be combined"
                f" with clipnorm. Set update=dense. Got: clipnorm={self.clipnorm:g}"
            )
        return found

    def by_rows(self, table_share: float) -> bool:
        """Returns whether only looked-up rows are updated."""
        if self.update == "auto":
            return self.clipnorm is None and table_share < ROWS_BELOW
        return self.update == "rows"


@dataclass(frozen=True, kw_only=True)
class Adam(RowwiseOptimizer):
    """Adam (Kingma and Ba, 2015)."""

    beta_1: float = number(ge=0, lt=1)
    beta_2: float = number(ge=0, lt=1)

    def build(
        self, *, steps_per_epoch: int, epochs: int, table_share: float
    ) -> "keras.optimizers.Optimizer":
        import keras

        from cfexp.training.rowwise import RowwiseAdam

        kind = RowwiseAdam if self.by_rows(table_share) else keras.optimizers.Adam
        shared = self._shared(steps_per_epoch, epochs)
        return kind(beta_1=self.beta_1, beta_2=self.beta_2, **shared)


@dataclass(frozen=True, kw_only=True)
class AdamW(Optimizer):
    """Adam with decoupled weight decay (Loshchilov and Hutter, 2019)."""

    beta_1: float = number(ge=0, lt=1)
    beta_2: float = number(ge=0, lt=1)
    weight_decay: float = number(ge=0)

    def build(
        self, *, steps_per_epoch: int, epochs: int, table_share: float
    ) -> "keras.optimizers.Optimizer":
        import keras

        return keras.optimizers.AdamW(
            weight_decay=self.weight_decay,
            beta_1=self.beta_1,
            beta_2=self.beta_2,
            **self._shared(steps_per_epoch, epochs),
        )


@dataclass(frozen=True, kw_only=True)
class Sgd(Optimizer):
    """Stochastic gradient descent with momentum."""

    momentum: float = number(ge=0, lt=1)
    nesterov: bool

    def build(
        self, *, steps_per_epoch: int, epochs: int, table_share: float
    ) -> "keras.optimizers.Optimizer":
        import keras

        return keras.optimizers.SGD(
            momentum=self.momentum,
            nesterov=self.nesterov,
            **self._shared(steps_per_epoch, epochs),
        )


@dataclass(frozen=True, kw_only=True)
class Adagrad(RowwiseOptimizer):
    """Adagrad (Duchi, Hazan and Singer, 2011)."""

    def build(
        self, *, steps_per_epoch: int, epochs: int, table_share: float
    ) -> "keras.optimizers.Optimizer":
        import keras

        from cfexp.training.rowwise import RowwiseAdagrad

        kind = RowwiseAdagrad if self.by_rows(table_share) else keras.optimizers.Adagrad
        return kind(**self._shared(steps_per_epoch, epochs))
