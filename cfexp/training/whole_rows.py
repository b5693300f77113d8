"""Batches of whole rows of the rating matrix, and the sums of all rows."""

from collections.abc import Sequence
from functools import cached_property

import keras
import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from cfexp.data.encoding import Encoded
from cfexp.models.layers.ranking import ranking_head
from cfexp.models.layers.row_sums import RowSum
from cfexp.training.order import rounded_up
from cfexp.training.program import Batch
from cfexp.training.updates import row_sums_of

Positions = npt.NDArray[np.int32]
Lengths = npt.NDArray[np.int64]


class WholeRows:
    """The training ratings by rows: those of movies, or of users.

    Of an autoencoder, or of a network that is trained to rank: then the rows are users,
    and ratings of 0, which are no positives, are left out.

    Args:
        layer: The layer of an autoencoder that sums rows; None: it is to rank.
        data: The training ratings.
        batch_size: Ratings in a batch, if no row has more.

    Attributes:
        batch: The size of a batch. A row is in one batch; only if a draw of ratings
            makes it longer than a batch, it is cut.
        n_rows: Number of ratings in an epoch.
    """

    def __init__(self, layer: RowSum | None, data: Encoded, batch_size: int):
        self._row = data.item if layer and layer.of == "item" else data.user
        self._is_used = np.ones(len(data), bool) if layer else data.rating > 0
        self.n_rows = int(np.count_nonzero(self._is_used))
        counts = np.bincount(self._row[self._is_used])
        counts = counts[counts > 0]
        # Rounded up, so that folds of a dataset share their program.
        size = max(batch_size, rounded_up(int(counts.max())))
        slots = int(1.5 * size / counts.mean()) + 8
        self.batch = Batch(size, 2 ** slots.bit_length())
        self._layer, self._data = layer, data

    @classmethod
    def of(
        cls, model: keras.Model, data: Encoded, batch_size: int
    ) -> "WholeRows | None":
        """Returns the rows of a model's training; None if it takes ratings alone."""
        sums = row_sums_of(model)
        if not sums and not ranking_head(model):
            return None
        return cls(sums[0] if sums else None, data, batch_size)

    def batches(self, order: Positions) -> tuple[Positions, Positions]:
        """Returns all batches of an epoch.

        Args:
            order: Positions of the ratings; rows are in the order of their first one.

        Returns:
            The positions of ratings, and the slots of their rows in the batch, both of
            shape ``(batches, ratings)``. Batches are filled up with position 0.
        """
        size, slots = self.batch
        order = order[: len(self._data)]
        at, lengths = self._by_row(order[self._is_used[order]])
        # A row that does not fit into a batch any more begins the next one.
        places, batch, slot, used = [], 0, 0, 0
        for length in lengths.tolist():
            if used + length > size or slot == slots:
                batch, slot, used = batch + 1, 0, 0
            places.append((batch * size + used, slot))
            slot, used = slot + 1, used + length
        starts, row_slots = np.array(places).T
        ends = np.cumsum(lengths)
        to = np.arange(len(at)) + np.repeat(starts - (ends - lengths), lengths)
        found = np.zeros((batch + 1) * size, np.int32)
        found[to] = at
        found_slots = np.full(len(found), slots, np.int32)
        found_slots[to] = np.repeat(row_slots, lengths)
        return found.reshape(-1, size), found_slots.reshape(-1, size)

    def _by_row(self, at: Positions) -> tuple[Positions, Lengths]:
        """Returns positions grouped by row, and the number of those of each row."""
        row = self._row[at]
        first = np.empty(int(row.max()) + 1, np.int64)
        first[row[::-1]] = np.arange(len(row))[::-1]  # the first one is written last
        at = at[np.argsort(first[row], kind="stable")]
        starts = np.flatnonzero(np.diff(self._row[at], prepend=-1))
        lengths = np.diff(starts, append=len(at))
        return at, _cut(lengths, self.batch.size)

    def sum_up(self, layers: Sequence[RowSum]) -> None:
        """Computes the sums of a program's layers; rows without ratings keep theirs."""
        for layer in layers:
            rated = np.diff(self._ratings.indptr) > 0
            sums = self._ratings @ layer.vectors().numpy()
            layer.sums.assign(np.where(rated[:, None], sums, layer.sums.numpy()))

    @cached_property
    def _ratings(self) -> csr_matrix:
        assert self._layer
        return self._layer.ratings_in(self._data)


def _cut(lengths: Lengths, longest: int) -> Lengths:
    """Cuts what is longer than `longest` into parts of this length, and a rest."""
    parts = -(-lengths // longest)
    found = np.full(parts.sum(), longest, np.int64)
    found[np.cumsum(parts) - 1] = lengths - (parts - 1) * longest
    return found
