"""How to train, as a spec that is checked before TensorFlow is imported."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from cfexp.spec import NO_EFFECT, Spec

Positive = Annotated[int, Field(ge=1)]


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

    group: ClassVar[str] = "training"

    engine: Literal["compiled", "keras"] = "compiled"
    strategy: Literal["none", "mirrored", "multiworker"] = "none"
    epochs: Positive = 15
    batch_size: Positive = 1024
    patience: Positive | None = 5
    refit: bool = False
    stream_from: Positive | None = 10_000_000
    checkpoint_every: Annotated[int, Field(ge=0), NO_EFFECT] = 5
    checkpoint_dir: Annotated[str, NO_EFFECT] = "checkpoints"
    resume: Annotated[bool, NO_EFFECT] = False

    def problems(self) -> list[str]:
        if self.strategy != "none" and self.engine == "keras":
            return ["engine=keras knows no strategy; leave engine=compiled"]
        return []
