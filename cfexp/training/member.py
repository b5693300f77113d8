"""One network in training: its optimizers, its rows and their order."""

from dataclasses import dataclass

import keras
import numpy as np
import numpy.typing as npt

from cfexp.data.encoding import Encoded
from cfexp.training.distributed import DistributedEngine
from cfexp.training.engines import EpochErrors
from cfexp.training.fallback import FallbackEngine
from cfexp.training.order import epoch_order
from cfexp.training.recipe import Recipe
from cfexp.training.updates import Optimizers
from cfexp.training.whole_rows import WholeRows


@dataclass(frozen=True)
class Member:
    """A network in training.

    Attributes:
        model: The network.
        optimizers: Its optimizers.
        engine: What trains it.
        data: The training rows.
        batch_size: Rows in a batch.
        seed: Seed of the order of rows, and of the draw of rows.
        rows: Positions of the rows that it is trained on; None: all of `data`.
    """

    model: keras.Model
    optimizers: Optimizers
    engine: FallbackEngine | DistributedEngine
    data: Encoded
    batch_size: int
    seed: int
    rows: npt.NDArray[np.int32] | None

    @classmethod
    def of(
        cls, model: keras.Model, data: Encoded, recipe: Recipe, seed: int
    ) -> "Member":
        """Returns a network with new optimizers.

        Args:
            model: The network.
            data: The training rows.
            recipe: Optimizer and training settings.
            seed: The member's seed.
        """
        training = recipe.training
        size = min(training.batch_size, len(data))
        whole = WholeRows.of(model, data, size)
        own, n_rows = (whole.batch.size, whole.n_rows) if whole else (size, len(data))
        optimizers = Optimizers.of(model, recipe, n_rows, own)
        engine: FallbackEngine | DistributedEngine
        if training.strategy != "none":
            engine = DistributedEngine(model, optimizers, data, size)
        else:
            compiled = training.engine != "keras"
            engine = FallbackEngine(model, optimizers, data, size, compiled=compiled)
        rows = drawn_rows(len(data), seed) if training.bootstrap else None
        return cls(model, optimizers, engine, data, size, seed, rows)

    def run_epoch(self, number: int) -> EpochErrors:
        """Trains on all of its rows in random order."""
        data = self.data
        rng = np.random.default_rng([self.seed, number])
        order = epoch_order(len(data), self.batch_size, rng, blocks=data.on_disk)
        return self.engine.run_epoch(order if self.rows is None else self.rows[order])


def drawn_rows(n: int, seed: int) -> npt.NDArray[np.int32]:
    """Returns `n` of `n` rows, drawn with replacement (Breiman, 1996), sorted."""
    rng = np.random.default_rng([seed, 0])  # epochs count from 1
    return np.sort(rng.integers(n, size=n, dtype=np.int32))


def seeds_of(recipe: Recipe) -> list[int]:
    """Returns the seed of each member; the first one's is that of the recipe.

    The others are drawn, since repeats of a run have the seeds that follow.
    """
    numbers = range(1, recipe.training.members)
    drawn = [np.random.SeedSequence([recipe.seed, n]) for n in numbers]
    return [recipe.seed, *(int(s.generate_state(1)[0]) >> 1 for s in drawn)]
