"""Runs an epoch as one program, of XLA or not."""

import math
from typing import Any, NamedTuple, Protocol

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from cfexp.data.encoding import Encoded
from cfexp.models.layers.ranking import ranking_head
from cfexp.models.signature import numbers_of
from cfexp.runtime.building import one_at_a_time
from cfexp.training.copies import Copies
from cfexp.training.history_sums import HistorySums
from cfexp.training.losses import Rows, Tables
from cfexp.training.order import rounded_up
from cfexp.training.program import Batch
from cfexp.training.programs import program_for
from cfexp.training.ranking_loss import catalogue_tables
from cfexp.training.updates import Optimizers, period
from cfexp.training.whole_rows import Positions, WholeRows

CHUNK_ROWS = 1_000_000


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

    def settle(self) -> None:
        """Brings the optimizer's variables up to date; the model's are, always."""


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
        self._whole_rows = WholeRows.of(model, data, batch_size)
        self._batch = self._whole_rows.batch if self._whole_rows else Batch(batch_size)
        self._histories = HistorySums(model, data)
        batches = -(-len(data) // self._batch.size)
        self._period = period(batches) if self._histories else batches
        most = max(1, CHUNK_ROWS // self._batch.size)
        self._chunk = min(rounded_up(self._period), most)
        self._tables = tables_of(data)
        if head := ranking_head(model):
            tables = catalogue_tables(data, head)
            self._tables |= {name: tf.constant(own) for name, own in tables.items()}
        numbers = numbers_of(model, *optimizers)
        self._numbers = [tf.constant(n.value, tf.float32) for n in numbers]
        program = program_for(model, optimizers, self._batch, xla=self.xla)
        self._program = program
        own = [*model.variables, *optimizers.variables]
        self._is_shared = own[0] is not program.variables[0]
        self._copies = Copies(own, program.variables, len(model.variables))
        self._run_chunk: Any = None  # the program for the shapes of these rows

    def run_epoch(self, order: Positions) -> EpochErrors:
        """Trains on rows in `order`, split into full batches."""
        program = self._program
        program.load(self._copies, self.settle)
        at, slots = self._batches(order)
        totals = np.zeros(2)
        self._histories.sum_up(program.histories, again=False)
        for start in range(0, len(at), self._period):
            part = slice(start, start + self._period)
            totals += self._run_period(at[part], slots[part])
        if self._whole_rows:
            self._whole_rows.sum_up(program.row_sums)
        self._copies.store_model()
        return EpochErrors.of(*(totals / len(at)))

    def settle(self) -> None:
        """Brings the optimizer's variables up to date."""
        if self._program.is_loaded(self.settle):
            self._copies.store_optimizer()

    def compile(self) -> bool:
        """Compiles the program without training; returns False if that gains nothing.

        As when it is compiled already, or is for this model alone.
        """
        program, size = self._program, self._batch.size
        if program.is_traced or not self._is_shared:
            return False
        slots = np.zeros((1, size if self._whole_rows else 0), np.int32)
        rows = self._rows(np.zeros((1, size), np.int32), slots)
        given = (rows, self._tables, tf.constant(0), self._numbers)
        with one_at_a_time:  # not while another thread makes a network
            program.run_chunk.get_concrete_function(*given)
        program.run_chunk(*given)
        if self._histories:
            nothing = [tf.zeros(layer.table.shape) for layer in program.histories]
            program.update_histories(nothing, self._numbers)
        return True

    def _batches(self, order: Positions) -> tuple[Positions, Positions]:
        """Returns the positions of an epoch's rows, and their slots if there are any.

        Both have a row for each batch; there are no slots if rows are in any order.
        """
        if self._whole_rows:
            return self._whole_rows.batches(order)
        at = order.reshape(-1, self._batch.size)
        return at, np.empty((len(at), 0), np.int32)

    def _run_period(self, at: Positions, slots: Positions) -> npt.NDArray[np.float64]:
        """Trains on batches, and then the histories; returns the sums of the losses."""
        program, histories = self._program, self._histories
        totals = np.zeros(2)
        for start in range(0, len(at), self._chunk):
            part = slice(start, start + self._chunk)
            steps = tf.constant(len(at[part]))
            rows = self._rows(at[part], slots[part])
            given = (rows, self._tables, steps, self._numbers)
            if self._run_chunk is None:  # or each call would look it up by its shapes
                self._run_chunk = program.run_chunk.get_concrete_function(*given)
            found = self._run_chunk(*given)
            totals += [float(found.total.loss), float(found.total.error)]
            histories.add(found.gradients)
        if histories:
            means = histories.mean_gradients(len(at))
            penalty = program.update_histories(means, self._numbers)
            totals[0] += len(at) * float(penalty)
            histories.sum_up(program.histories)
        return totals

    def _rows(self, at: Positions, slots: Positions) -> Rows:
        """Returns the columns of a chunk, the last one filled up with other rows.

        These are not trained on.
        """
        n = self._chunk * self._batch.size
        rows = rows_at(self._data, np.resize(at, n))
        return (
            {**rows, "slot": tf.constant(np.resize(slots, n))} if slots.size else rows
        )


class GraphEngine(CompiledEngine):
    """Runs the same program without XLA.

    For autoencoders, models with histories and those that are trained to rank:
    `keras.Model.fit` neither trains by whole rows nor adds up gradients.
    """

    name = "graph"
    xla = False


def rows_at(data: Encoded, at: npt.NDArray[np.int32]) -> Rows:
    """Returns the columns of some rows as tensors."""
    return {name: tf.constant(column[at]) for name, column in data.columns.items()}


def tables_of(data: Encoded) -> Tables:
    """Returns the values of features as tensors."""
    return {name: tf.constant(table) for name, table in data.tables.items()}
