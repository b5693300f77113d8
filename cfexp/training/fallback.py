"""The engine of a training: the compiled one, or one that can do without XLA."""

import logging

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from cfexp.data.encoding import Encoded
from cfexp.errors import first_line
from cfexp.models.layers.ranking import ranking_head
from cfexp.runtime.xla_cache import forget_programs
from cfexp.training.engines import (
    CompiledEngine,
    Engine,
    EpochErrors,
    GraphEngine,
)
from cfexp.training.keras_engine import KerasEngine
from cfexp.training.programs import forget
from cfexp.training.updates import Optimizers, row_sums_of, sums_of

log = logging.getLogger(__name__)

# Parts of TensorFlow's messages about a truncated or damaged cached program.
UNREADABLE = ("Read less bytes than requested", "as binary proto", "cache key")


class FallbackEngine:
    """The compiled engine, or a slower one for a model that XLA cannot compile.

    Args:
        model: As in `CompiledEngine`.
        optimizers: As in `CompiledEngine`.
        data: The training rows.
        batch_size: Rows in a batch.
        compiled: False to use the slower one from the start.
    """

    def __init__(
        self,
        model: keras.Model,
        optimizers: Optimizers,
        data: Encoded,
        batch_size: int,
        *,
        compiled: bool,
    ):
        self._arguments = (model, optimizers, data, batch_size)
        own = sums_of(model) or row_sums_of(model) or ranking_head(model)
        self._slower = GraphEngine if own else KerasEngine
        kind = CompiledEngine if compiled else self._slower
        self._engine: Engine = kind(*self._arguments)
        self._epochs = 0

    @property
    def name(self) -> str:
        """Name of the engine in use."""
        return self._engine.name

    def compile(self) -> bool:
        """Compiles the program without training, see `CompiledEngine.compile`."""
        engine = self._engine
        return isinstance(engine, CompiledEngine) and engine.compile()

    def settle(self) -> None:
        """Brings the optimizer's variables up to date."""
        self._engine.settle()

    def run_epoch(self, order: npt.NDArray[np.int32]) -> EpochErrors:
        """Trains on rows in `order`; a failed compilation changes no weight."""
        try:
            errors = self._run_cached(order)
        except (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError) as error:
            if self.name != "compiled" or self._epochs:
                raise
            model = self._arguments[0]
            log.warning("XLA cannot compile %s: %s", model.name, first_line(error))
            log.warning("continuing with training.engine=keras, which is slower")
            self._engine = self._slower(*self._arguments)
            errors = self._engine.run_epoch(order)
        self._epochs += 1
        return errors

    def _run_cached(self, order: npt.NDArray[np.int32]) -> EpochErrors:
        """Trains on rows in `order`; compiles again if the cache is damaged."""
        try:
            return self._engine.run_epoch(order)
        except tf.errors.OpError as error:
            if self._epochs or not any(sign in str(error) for sign in UNREADABLE):
                raise
            log.info("compiling again: a cached program cannot be read")
            forget_programs()
            forget()
            self._engine = CompiledEngine(*self._arguments)
            return self._engine.run_epoch(order)
