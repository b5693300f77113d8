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
        self, *, steps_per_epoch: int, epochs: int
    ) -> "keras.optimizers.Optimizer":
        """Returns a fresh Keras optimizer."""
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


@dataclass(frozen=True, kw_only=True)
class Adam(Optimizer):
    """Adam (Kingma and Ba, 2015)."""

    beta_1: float = number(ge=0, lt=1)
    beta_2: float = number(ge=0, lt=1)

    def build(
        self, *, steps_per_epoch: int, epochs: int
    ) -> "keras.optimizers.Optimizer":
        import keras

        shared = self._shared(steps_per_epoch, epochs)
        return keras.optimizers.Adam(beta_1=self.beta_1, beta_2=self.beta_2, **shared)


@dataclass(frozen=True, kw_only=True)
class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov and Hutter, 2019)."""

    weight_decay: float = number(ge=0)

    def build(
        self, *, steps_per_epoch: int, epochs: int
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
        self, *, steps_per_epoch: int, epochs: int
    ) -> "keras.optimizers.Optimizer":
        import keras

        return keras.optimizers.SGD(
            momentum=self.momentum,
            nesterov=self.nesterov,
            **self._shared(steps_per_epoch, epochs),
        )


@dataclass(frozen=True, kw_only=True)
class Adagrad(Optimizer):
    """Adagrad (Duchi, Hazan and Singer, 2011)."""

    def build(
        self, *, steps_per_epoch: int, epochs: int
    ) -> "keras.optimizers.Optimizer":
        import keras

        return keras.optimizers.Adagrad(**self._shared(steps_per_epoch, epochs))
