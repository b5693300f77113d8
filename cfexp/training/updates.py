"""What is updated when: after each batch, or a few times an epoch."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import keras

from cfexp.models.layers.history import HistorySum
from cfexp.models.layers.row_sums import RowSum
from cfexp.training.recipe import Recipe
from cfexp.training.rowwise import table_share

# Updates of the vectors of histories in an epoch. 16 of them change the mean val_rmse
# of svdpp and of fm by 0.0002 only, in
# cfexp experiment=ml-100k/MODEL split.fold=1 training.refit=false seeds=3
UPDATES = 4


@dataclass(frozen=True)
class Optimizers:
    """The optimizers of a model.

    Attributes:
        batchwise: Of the variables that each batch updates.
        histories: Of the vectors of histories; None if the model has none.
    """

    batchwise: keras.optimizers.Optimizer
    histories: keras.optimizers.Optimizer | None = None

    @classmethod
    def of(
        cls,
        model: keras.Model,
        recipe: Recipe,
        n_rows: int,
        batch_size: int | None = None,
    ) -> "Optimizers":
        """Returns the optimizers of a recipe, built.

        Args:
            model: The model.
            recipe: The kind of optimizer, its options, and those of training.
            n_rows: Number of training rows.
            batch_size: Rows in a batch; None: ``training.batch_size``.
        """
        training = recipe.training
        batch_size = min(batch_size or training.batch_size, n_rows)
        batches = math.ceil(n_rows / batch_size)
        # Single rows cannot be updated on several devices.
        several = training.strategy != "none"
        share = 1.0 if several else table_share(model, batch_size)
        steps = math.ceil(batches / period(batches))

        def made(steps: int, share: float) -> keras.optimizers.Optimizer:
            return recipe.optimizer.build(
                steps_per_epoch=steps, epochs=training.epochs, table_share=share
            )

        histories = made(steps, 1.0) if sums_of(model) else None
        return cls(made(batches, share), histories).built(model)

    def __iter__(self) -> Iterator[keras.optimizers.Optimizer]:
        yield self.batchwise
        if self.histories:
            yield self.histories

    @property
    def variables(self) -> list[keras.Variable]:
        """The variables of all optimizers."""
        return [v for optimizer in self for v in optimizer.variables]

    def built(self, model: keras.Model) -> "Optimizers":
        """Creates the variables for a model."""
        self.batchwise.build(batchwise(model))
        if self.histories:
            self.histories.build(variables_of_sums(model))
        return self

    def copied(self, model: keras.Model) -> "Optimizers":
        """Returns equal optimizers for a copy of the model."""
        made = (type(x).from_config(x.get_config()) for x in self)
        return Optimizers(*made).built(model)


def sums_of(model: keras.Model) -> list[HistorySum]:
    """Returns the histories of a model."""
    return [x for x in model._flatten_layers() if isinstance(x, HistorySum)]


def row_sums_of(model: keras.Model) -> list[RowSum]:
    """Returns the sums of an autoencoder, which is trained by whole rows."""
    return [x for x in model._flatten_layers() if isinstance(x, RowSum)]


def variables_of_sums(model: keras.Model) -> list[keras.Variable]:
    """Returns the trainable variables that make the vectors of histories."""
    return [v for layer in sums_of(model) for v in layer.trainable_variables]


def batchwise(model: keras.Model) -> list[keras.Variable]:
    """Returns the trainable variables that each batch updates."""
    others = {id(v) for v in variables_of_sums(model)}
    return [v for v in model.trainable_variables if id(v) not in others]


def period(batches: int) -> int:
    """Returns the number of batches between two updates of histories."""
    return math.ceil(batches / UPDATES)
