"""Two ways to run an epoch over the same batches: one XLA program, or Keras' fit."""

import logging
from collections.abc import Sequence
from typing import Protocol

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from cfexp.data.encoding import Encoded
from cfexp.data.streaming import COLUMNS, block_order
from cfexp.errors import first_line
from cfexp.models.scorer import model_inputs
from cfexp.runtime.xla_cache import forget_programs
from cfexp.training.program import Program, Rows
from cfexp.training.program_sharing import program_for

log = logging.getLogger(__name__)

CHUNK_ROWS = 1_000_000
# Parts of TensorFlow's messages about a truncated or damaged cached program.
UNREADABLE = ("Read less bytes than requested", "as binary proto", "cache key")


class Engine(Protocol):
    """Runs epochs of training."""

    name: str

    def run_epoch(self, order: npt.NDArray[np.int32]) -> float:
        """Trains on rows in `order`, split into full batches; returns the mean loss."""
        ...


class CompiledEngine:
    """Runs an epoch as an XLA program over chunks of the training rows.

    Only one chunk is in memory as tensors at a time. All chunks have the same shape,
    and so the same program. Several fits can share it, see
    `cfexp.training.program_sharing`.

    Args:
        model: A model with inputs ``user``, ``item`` and optionally ``genres``.
        optimizer: The optimizer of its trainable variables.
        data: The training rows; may be memory-mapped.
        batch_size: Rows in a batch.
    """

    name = "compiled"

    def __init__(
        self,
        model: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        data: Encoded,
        batch_size: int,
    ):
        optimizer.build(model.trainable_variables)
        self._data = data
        self._batch_size = batch_size
        batches = -(-len(data) // batch_size)
        self._chunk = min(batches, max(1, CHUNK_ROWS // batch_size))
        self._genres = tf.constant(data.genre_table)
        self._variables = [*model.variables, *optimizer.variables]
        self._program = program_for(
            model,
            optimizer,
            batch_size,
            lambda: Program(model, optimizer, batch_size),
        )

    def run_epoch(self, order: npt.NDArray[np.int32]) -> float:
        """Trains on rows in `order`, split into full batches; returns the mean loss."""
        is_shared = self._program.variables[0] is not self._variables[0]
        if is_shared:
            _assign(self._program.variables, self._variables)
        batches = order.reshape(-1, self._batch_size)
        total = 0.0
        for start in range(0, len(batches), self._chunk):
            chunk = batches[start : start + self._chunk]
            # The last chunk is padded with rows that are not trained on.
            at = np.resize(chunk, self._chunk * self._batch_size)
            rows = rows_at(self._data, at)
            steps = tf.constant(len(chunk))
            total += float(self._program.run_chunk(rows, self._genres, steps))
        if is_shared:
            _assign(self._variables, self._program.variables)
        return total / len(batches)


def _assign(to: Sequence[keras.Variable], values: Sequence[keras.Variable]) -> None:
    for variable, value in zip(to, values, strict=True):
        variable.assign(value)


class KerasEngine:
    """Runs each epoch with `keras.Model.fit`; arguments as in `CompiledEngine`."""

    name = "keras"

    def __init__(
        self,
        model: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        data: Encoded,
        batch_size: int,
    ):
        model.compile(optimizer=optimizer, loss="mse")
        self._model = model
        self._data = data
        self._batch_size = batch_size

    def run_epoch(self, order: npt.NDArray[np.int32]) -> float:
        """Trains on rows in `order`, split into full batches; returns the mean loss."""
        history = self._model.fit(
            model_inputs(self._model, self._data, order),
            self._data.rating[order],
            batch_size=self._batch_size,
            shuffle=False,
            verbose=0,
        )
        return float(history.history["loss"][0])


class FallbackEngine:
    """The compiled engine, or `KerasEngine` for a model that XLA cannot compile.

    Args:
        model: As in `CompiledEngine`.
        optimizer: As in `CompiledEngine`.
        data: The training rows.
        batch_size: Rows in a batch.
        compiled: False to use `KerasEngine` from the start.
    """

    def __init__(
        self,
        model: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        data: Encoded,
        batch_size: int,
        *,
        compiled: bool,
    ):
        self._arguments = (model, optimizer, data, batch_size)
        kind = CompiledEngine if compiled else KerasEngine
        self._engine: Engine = kind(*self._arguments)
        self._epochs = 0

    @property
    def name(self) -> str:
        """Name of the engine in use."""
        return self._engine.name

    def run_epoch(self, order: npt.NDArray[np.int32]) -> float:
        """Trains on rows in `order`; a failed compilation changes no weight."""
        try:
            loss = self._run_cached(order)
        except (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError) as error:
            if self.name == "keras" or self._epochs:
                raise
            model = self._arguments[0]
            log.warning("XLA cannot compile %s: %s", model.name, first_line(error))
            log.warning("continuing with training.engine=keras, which is slower")
            self._engine = KerasEngine(*self._arguments)
            loss = self._engine.run_epoch(order)
        self._epochs += 1
        return loss

    def _run_cached(self, order: npt.NDArray[np.int32]) -> float:
        """Trains on rows in `order`; compiles again if the cache is damaged."""
        try:
            return self._engine.run_epoch(order)
        except tf.errors.OpError as error:
            if self._epochs or not any(sign in str(error) for sign in UNREADABLE):
                raise
            log.info("compiling again: a cached program cannot be read")
            forget_programs()
            self._engine = CompiledEngine(*self._arguments)
            return self._engine.run_epoch(order)


def rows_at(data: Encoded, at: npt.NDArray[np.int32]) -> Rows:
    """Returns the columns of some rows as tensors."""
    return {name: tf.constant(getattr(data, name)[at]) for name in COLUMNS}


def epoch_order(
    n_rows: int, batch_size: int, rng: np.random.Generator, *, blocks: bool = False
) -> npt.NDArray[np.int32]:
    """Returns all rows in random order; the last batch is filled with the first rows.

    Args:
        n_rows: Number of rows.
        batch_size: Rows in a batch.
        rng: Random generator.
        blocks: Shuffle with `cfexp.data.streaming.block_order`.
    """
    if blocks:
        order = block_order(n_rows, rng)
    else:
        order = rng.permutation(n_rows).astype(np.int32)
    return np.resize(order, -(-n_rows // batch_size) * batch_size)
