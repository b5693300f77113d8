"""Options of training, checked before TensorFlow is imported."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from cfexp.data.encoding import RankingLoss
from cfexp.models.base import Model, NeuralModel
from cfexp.spec import NO_EFFECT, Spec
from cfexp.training.optimizers import Optimizer

Positive = Annotated[int, Field(ge=1)]
# Losses of models that learn to rank.
RANKING = ("softmax", "bpr", "bce")
Members = Annotated[int, Field(ge=1, le=100)]


class Training(Spec):
    """Options of training.

    Attributes:
        engine: ``compiled``, one XLA program, or ``keras``, `keras.Model.fit`.
        strategy: ``none``; ``mirrored``, all GPUs of this machine; or ``multiworker``,
            all workers of ``TF_CONFIG``. See `cfexp.training.distributed`.
        loss: ``mse``; ``ordinal``, the likelihood of the ratings as ordered levels, see
            `cfexp.models.layers.ordinal`; or, to rank movies, ``softmax``, ``bpr`` or
            ``bce``, see `cfexp.models.layers.ranking`.
        negatives: To rank: number of movies drawn for each batch, which the positives
            of all its users are held against; or ``all`` movies.
        negative_sampling: How they are drawn: ``uniform``, or by ``popularity``.
        members: Networks that are trained, each with a seed of its own; their mean
            predicts, and validation is that of the mean.
        bootstrap: Whether each member is trained on as many rows, drawn with
            replacement from the training rows.
        epochs: Maximum number of epochs; learning-rate schedules end there.
        batch_size: Rows in a batch.
        monitor: Metric of the validation rows that chooses the epoch to keep, computed
            after each: RMSE, MAE, one of `metrics`, or a measure of ranking.
        patience: Epochs without a better value of `monitor` before training stops
            early; None: never.
        refit: Before the test, train again on training and validation rows together,
            for the best number of epochs.
        stream_from: Number of training rows from which they are streamed from disk
            instead of held in memory; None: never.
        checkpoint_every: Epochs between two checkpoints; 0: no checkpoints.
        checkpoint_dir: Folder of the checkpoints.
        resume: Resume from the checkpoint of the same configuration.
    """

    group: ClassVar[str] = "training"

    engine: Literal["compiled", "keras"] = "compiled"
    strategy: Literal["none", "mirrored", "multiworker"] = "none"
    loss: Literal["mse", "ordinal", "softmax", "bpr", "bce"] = "mse"
    negatives: Positive | Literal["all"] = 256
    negative_sampling: Literal["uniform", "popularity"] = "uniform"
    members: Members = 1
    bootstrap: bool = False
    epochs: Positive = 15
    batch_size: Positive = 1024
    monitor: str = "val_rmse"
    patience: Positive | None = 5
    refit: bool = False
    stream_from: Positive | None = 10_000_000
    checkpoint_every: Annotated[int, Field(ge=0), NO_EFFECT] = 5
    checkpoint_dir: Annotated[str, NO_EFFECT] = "checkpoints"
    resume: Annotated[bool, NO_EFFECT] = False

    @property
    def ranks(self) -> bool:
        """Whether a model learns to rank movies; its scores are no ratings."""
        return self.loss in RANKING

    def ranking_loss(self) -> RankingLoss | None:
        """Returns how a network is trained to rank; None: to predict ratings."""
        if not self.ranks:
            return None
        n = 0 if self.negatives == "all" else self.negatives
        return RankingLoss(self.loss, n, self.negative_sampling == "popularity")

    def problems_with(self, model: Model, optimizer: Optimizer) -> list[str]:
        """Returns why a model cannot be trained so with an optimizer."""
        neural = isinstance(model, NeuralModel)
        found = []
        if self.members > 1 and not neural:
            found.append(
                f"training.members={self.members}: {model.label()} has none, only"
                " models that are trained in epochs; leave it out"
            )
        if self.ranks and not (isinstance(model, NeuralModel) and model.can_rank):
            found.append(
                f"training.loss={self.loss}: {model.label()} cannot be trained to rank;"
                " choose model=dot, ncf or deep, or set training.loss=mse"
            )
        if self.strategy == "none":
            return found
        if isinstance(model, NeuralModel) and model.has_histories:
            found.append(
                f"{model.label()} has histories, which are trained on one device only:"
                " set training.strategy=none"
            )
        if getattr(optimizer, "update", "dense") == "rows":
            found.append(
                f"optimizer.update=rows does not work with training.strategy="
                f"{self.strategy}; set optimizer.update=auto"
            )
        if optimizer.clipnorm is not None:
            found.append(
                f"optimizer.clipnorm does not work with training.strategy="
                f"{self.strategy}, where each replica has only a part of the gradient;"
                " set it to null"
            )
        return found

    def problems(self) -> list[str]:
        several = self.strategy != "none"
        found = []
        if several and self.engine == "keras":
            found.append(
                "engine=keras cannot be combined with a strategy. Set engine=compiled."
                f" Got: strategy={self.strategy}"
            )
        if several and self.members > 1:
            found.append(
                f"members={self.members} are trained on one device: set strategy=none."
                f" Got: strategy={self.strategy}"
            )
        if self.bootstrap and self.members == 1:
            found.append(
                "bootstrap=true draws rows for each of several members: set members=2"
                " or more, or bootstrap=false"
            )
        return found
