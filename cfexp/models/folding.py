"""New users of a trained network, whose vectors are fitted to their ratings."""

from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from scipy.optimize import minimize

from cfexp.data.encoding import Encoded
from cfexp.errors import ConfigError
from cfexp.models.folding_loss import loss_of
from cfexp.models.forward import model_inputs
from cfexp.models.layers.history import HistorySum
from cfexp.models.layers.ranking import ranking_head
from cfexp.models.layers.row_sums import RowSum
from cfexp.runtime.building import one_at_a_time

# When the fit ends: at most so many steps, or when the mean loss, or its gradient,
# changes too little to change a rating.
STOP = {"maxiter": 200, "ftol": 1e-6, "gtol": 1e-4}


class Folding:
    """Fits the vectors of one user after the other, all other weights staying.

    The loss is that of training, over all of the user's ratings, penalties included;
    row 0 of each table of users, that of unknown ones, minimises it by L-BFGS (Liu and
    Nocedal, 1989). Of a dot product that is the ridge solution of alternating least
    squares with weighted regularisation (Zhou et al., 2008, eq. 6). Histories get the
    user's movies.

    Args:
        network: The trained network, which is not changed.
        movies: A row for each movie, which those of a user are held against if the
            network learned to rank.

    Attributes:
        network: A copy of it, whose unknown user is the last one that was folded in.

    Raises:
        ConfigError: It has neither vectors nor histories of users, or learned to rank
            with negatives that only training knows.
    """

    def __init__(self, network: keras.Model, movies: Encoded):
        self._ranks = ranking_head(network) is not None
        with one_at_a_time:
            self.network = keras.models.clone_model(network)
        self.network.set_weights(network.get_weights())
        of_users = [one for one in self.network.layers if one.name.startswith("user_")]
        self._tables = [
            one.embeddings
            for one in of_users
            if isinstance(one, keras.layers.Embedding)
        ]
        self._histories = [
            one
            for one in self.network.layers
            if isinstance(one, HistorySum | RowSum) and one.of == "user"
        ]
        if not self._tables and not self._histories:
            raise ConfigError(
                f"model={network.name} has no vectors of users, so that it cannot take"
                " new ones from their ratings"
            )
        self._loss_of = loss_of(self.network, movies)
        rows = [table.numpy()[0].astype(np.float64) for table in self._tables]
        self._ends = np.cumsum([len(row) for row in rows])[:-1]
        self._unknown = self._last = np.concatenate([np.empty(0), *rows])
        self._loss = tf.function(self._loss_and_gradients, reduce_retracing=True)

    def fit(self, rows: Encoded, *, near: bool = False) -> None:
        """Fits the unknown user of `network` to the ratings of `rows`.

        Args:
            rows: The ratings; those of 0 do not count if the network learned to rank.
            near: Whether to start from the vectors of the last fit.
        """
        if self._ranks:
            rows = rows.at(np.flatnonzero(rows.rating > 0))
        self._look_back(rows)
        start = self._last if near and len(rows) else self._unknown
        self._set(start)
        if not self._tables or not len(rows):
            return
        given = {**model_inputs(self.network, rows, slice(None))}
        given["user"] = np.zeros_like(given["user"])
        inputs = {name: tf.constant(values) for name, values in given.items()}
        rating = tf.constant(rows.rating)

        def value(flat: npt.NDArray[np.float64]) -> tuple[float, Any]:
            self._set(flat)
            loss, gradients = self._loss(inputs, rating)
            found = np.concatenate([one.numpy() for one in gradients])
            return float(loss), found.astype(np.float64)

        found = minimize(value, start, jac=True, method="L-BFGS-B", options=STOP)
        self._last = found.x
        self._set(found.x)

    def _set(self, flat: npt.NDArray[Any]) -> None:
        """Sets row 0 of all tables to parts of a vector."""
        # Without a table there is one part, and it is empty.
        for table, row in zip(self._tables, np.split(flat, self._ends), strict=False):
            value = table.value
            value.scatter_nd_update([[0]], [row.astype(np.float32)])

    def _look_back(self, rows: Encoded) -> None:
        """Gives row 0 of histories the user's movies."""
        first = Encoded(
            user=np.ones_like(rows.user), item=rows.item, rating=rows.rating
        )
        known = first.at(np.flatnonzero(rows.item > 0))
        for layer in self._histories:
            weight = layer.ratings_in(known)[1]
            vectors = (
                layer.vectors() if isinstance(layer, RowSum) else layer.table.value
            )
            total = np.asarray(weight @ np.asarray(vectors), np.float32)
            layer.sums.value.scatter_nd_update([[0]], total.reshape(1, -1))
            if isinstance(layer, HistorySum):
                layer.number.value.scatter_nd_update([[0]], [float(weight.sum())])

    def _loss_and_gradients(
        self, inputs: dict[str, tf.Tensor], rating: tf.Tensor
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        values = [table.value for table in self._tables]
        with tf.GradientTape() as tape:
            loss = self._loss_of(inputs, rating)
        return loss, [_first_row(one) for one in tape.gradient(loss, values)]


def _first_row(gradient: Any) -> tf.Tensor:
    """Returns the gradient of a table's row 0, which alone was looked up."""
    if isinstance(gradient, tf.IndexedSlices):
        return tf.reduce_sum(gradient.values, 0)
    return gradient[0]
