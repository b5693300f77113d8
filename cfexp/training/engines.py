"""Two ways to run an epoch over the same batches: one XLA program, or Keras' fit."""

import logging
import math
from typing import NamedTuple, Protocol

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from cfexp.data.encoding import Encoded
from cfexp.errors import first_line
from cfexp.models.layers.ordinal import ordinal_head
from cfexp.models.scorer import model_inputs
from cfexp.models.signature import numbers_of
from cfexp.runtime.xla_cache import forget_programs
from cfexp.training.history_sums import HistorySums
from cfexp.training.order import rounded_up
from cfexp.training.program import Rows, Tables
from cfexp.training.programs import forget, program_for
from cfexp.training.updates import Optimizers, period, sums_of

log = logging.getLogger(__name__)

CHUNK_ROWS = 1_000_000
# Parts of TensorFlow's messages about a truncated or damaged cached program.
UNREADABLE = ("Read less bytes than requested", "as binary proto", "cache key")


class EpochErrors(NamedTuple):
    """Errors of an epoch's batches, each before its update.

    Attributes:
        loss: The mean loss, penalties included.
        rmse: The RMSE of the predictions in training, in stars.
    """

    loss: float
    rmse: float

    @classmethod
    def of(cls, loss: float, error: float) -> "EpochErrors":
        """Returns the errors of a mean loss and a mean squared error."""
        return cls(float(loss), math.sqrt(error))


class Engine(Protocol):
    """Runs epochs of training."""

    name: str

    def run_epoch(self, order: npt.NDArray[np.int32]) -> EpochErrors:
        """Trains on rows in `order`, split into full batches."""
        ...


class CompiledEngine:
    """Runs an epoch as an XLA program over chunks of the training rows.

    Only one chunk is in memory as tensors at a time. All chunks have the same shape,
    and so the same program. Fits of equal models share it, see
    `cfexp.training.programs`.

    Args:
        model: A model built by `NeuralModel.build`.
        optimizers: Its optimizers, built.
        data: The training rows; may be memory-mapped.
        batch_size: Rows in a batch.
    """

    name = "compiled"
    xla = True

    def __init__(
        self,
        model: keras.Model,
        optimizers: Optimizers,
        data: Encoded,
        batch_size: int,
    ):
        self._data = data
        self._batch_size = batch_size
        self._histories = HistorySums(model, data)
        batches = -(-len(data) // batch_size)
        self._period = period(batches) if self._histories else batches
        self._chunk = min(rounded_up(self._period), max(1, CHUNK_ROWS // batch_size))
        self._tables = tables_of(data)
        self._variables = [*model.variables, *optimizers.variables]
        numbers = numbers_of(model, *optimizers)
        self._numbers = [tf.constant(n.value, tf.float32) for n in numbers]
        self._program = program_for(model, optimizers, batch_size, xla=self.xla)

    def run_epoch(self, order: npt.NDArray[np.int32]) -> EpochErrors:
        """Trains on rows in `order`, split into full batches."""
        program = self._program
        program.load(self._variables, self)
        batches = order.reshape(-1, self._batch_size)
        totals = np.zeros(2)
        self._histories.sum_up(program.histories, again=False)
        for start in range(0, len(batches), self._period):
            totals += self._run_period(batches[start : start + self._period])
        program.store(self._variables)
        return EpochErrors.of(*(totals / len(batches)))

    def _run_period(self, batches: npt.NDArray[np.int32]) -> npt.NDArray[np.float64]:
        """Trains on batches, and then the histories; returns the sums of the losses."""
        program, histories = self._program, self._histories
        totals = np.zeros(2)
        for start in range(0, len(batches), self._chunk):
            chunk = batches[start : start + self._chunk]
            # The last chunk is padded with rows that are not trained on.
            at = np.resize(chunk, self._chunk * self._batch_size)
            rows = rows_at(self._data, at)
            steps = tf.constant(len(chunk))
            found = program.run_chunk(rows, self._tables, steps, self._numbers)
            totals += [float(found.total.loss), float(found.total.error)]
            histories.add(found.gradients)
        if histories:
            means = histories.mean_gradients(len(batches))
            penalty = program.update_histories(means, self._numbers)
            totals[0] += len(batches) * float(penalty)
            histories.sum_up(program.histories)
        return totals


class GraphEngine(CompiledEngine):
    """Runs the same program without XLA.

    For models with histories, whose gradients `keras.Model.fit` does not add up.
    """

    name = "graph"
    xla = False


class KerasEngine:
    """Runs each epoch with `keras.Model.fit`; arguments as in `CompiledEngine`."""

    name = "keras"

    def __init__(
        self,
        model: keras.Model,
        optimizers: Optimizers,
        data: Encoded,
        batch_size: int,
    ):
        head = ordinal_head(model)
        model.compile(
            optimizer=optimizers.batchwise,
            loss=head.loss if head else "mse",
            metrics=[head.mse if head else "mse"],
        )
        self._model = model
        self._data = data
        self._batch_size = batch_size

    def run_epoch(self, order: npt.NDArray[np.int32]) -> EpochErrors:
        """Trains on rows in `order`, split into full batches."""
        history = self._model.fit(
            model_inputs(self._model, self._data, order),
            self._data.rating[order],
            batch_size=self._batch_size,
            shuffle=False,
            verbose=0,
        )
        found = history.history
        return EpochErrors.of(float(found["loss"][0]), float(found["mse"][0]))


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
        self._slower = GraphEngine if sums_of(model) else KerasEngine
        kind = CompiledEngine if compiled else self._slower
        self._engine: Engine = kind(*self._arguments)
        self._epochs = 0

    @property
    def name(self) -> str:
        """Name of the engine in use."""
        return self._engine.name

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


def rows_at(data: Encoded, at: npt.NDArray[np.int32]) -> Rows:
    """Returns the columns of some rows as tensors."""
    return {name: tf.constant(column[at]) for name, column in data.columns.items()}


def tables_of(data: Encoded) -> Tables:
    """Returns the values of features as tensors."""
    return {name: tf.constant(table) for name, table in data.tables.items()}
