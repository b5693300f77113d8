"""The sums of histories, and the gradients of the vectors that they sum."""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from cfexp.data.encoding import Encoded, FloatArray
from cfexp.models.layers.history import HistorySum
from cfexp.training.updates import sums_of

Gradients = Sequence[tuple[tf.Tensor, tf.Tensor]]


class HistorySums:
    """The ratings that the histories of a model sum, and their sums' gradients.

    Args:
        model: The model; it may have no history.
        train: The training rows.
    """

    def __init__(self, model: keras.Model, train: Encoded):
        self._ratings = [layer.ratings_in(train) for layer in sums_of(model)]
        self._gradients: list[tuple[FloatArray, FloatArray]] = []
        self._are_summed = False

    def __bool__(self) -> bool:
        return bool(self._ratings)

    def sum_up(self, layers: Sequence[HistorySum], *, again: bool = True) -> None:
        """Computes the sums of `layers`; those of rows without ratings are kept.

        Args:
            layers: The histories of the model, or of one of equal architecture.
            again: Whether the vectors have changed since the last time.
        """
        if self._are_summed and not again:
            return
        for layer, ratings in zip(layers, self._ratings, strict=True):
            number = np.diff(ratings.indptr)
            rated = number > 0
            sums = ratings @ layer.table.numpy()
            layer.sums.assign(np.where(rated[:, None], sums, layer.sums.numpy()))
            layer.number.assign(np.where(rated, number, layer.number.numpy()))
        self._are_summed = True

    def add(self, gradients: Gradients) -> None:
        """Adds gradients of sums and of vectors, from `Program.run_chunk`."""
        found = [(sums.numpy(), vectors.numpy()) for sums, vectors in gradients]
        if self._gradients:
            pairs = zip(self._gradients, found, strict=True)
            found = [(a[0] + b[0], a[1] + b[1]) for a, b in pairs]
        self._gradients = found

    def mean_gradients(self, batches: int) -> list[tf.Tensor]:
        """Returns the vectors' mean gradients in some batches, and forgets them.

        A sum's gradient is that of each vector in it, times its weight.
        """
        pairs = zip(self._ratings, self._gradients, strict=True)
        found = [rated.T @ sums + vectors for rated, (sums, vectors) in pairs]
        self._gradients = []
        return [tf.constant(gradient / batches) for gradient in found]
