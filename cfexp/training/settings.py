"""How to train, as a spec that is checked before TensorFlow is imported."""

from dataclasses import dataclass

from cfexp.spec import Spec, choice, number


@dataclass(frozen=True, kw_only=True)
class Training(Spec):
    """How to train.

    Attributes:
        engine: ``compiled``, each epoch one XLA program, or ``keras``, `Model.fit`.
        strategy: ``none``; ``mirrored``, all GPUs of this machine; or ``multiworker``,
            all workers of ``TF_CONFIG``. See `cfexp.training.distributed`.
        epochs: Epochs at most; learning-rate schedules end there.
        batch_size: Rows in a batch.
        patience: Epochs without a better validation RMSE before training stops; it
            never stops early where None.
        refit: Train once more, on training and validation rows together, for as many
            epochs as were best, before the test.
        stream_from: Training rows from which they are read from disk as they are
            needed, not held in memory; never where None.
        checkpoint_every: Epochs between two checkpoints; none are kept where 0.
        checkpoint_dir: Folder of the checkpoints.
        resume: Go on from the checkpoint of the same configuration.
    """

    engine: str = choice("compiled", "keras")
    strategy: str = choice("none", "mirrored", "multiworker")
    epochs: int = number(ge=1)
    batch_size: int = number(ge=1)
    patience: int | None = number(ge=1)
    refit: bool
    stream_from: int | None = number(ge=1)
    checkpoint_every: int = number(ge=0)
    checkpoint_dir: str
    resume: bool

    def problems(self) -> list[str]:
        found = super().problems()
        if self.strategy != "none" and self.engine == "keras":
            found.append("engine=keras knows no strategy; leave engine=compiled")
        return found
