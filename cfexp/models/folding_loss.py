"""The loss that a new user's vectors minimise: that of training."""

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from cfexp.data.encoding import Encoded
from cfexp.errors import ConfigError
from cfexp.models.forward import model_inputs
from cfexp.models.layers.head import RatingHead
from cfexp.models.layers.ordinal import OrdinalHead
from cfexp.models.layers.ranking import RankingHead
from cfexp.runtime.building import one_at_a_time

# Returns the loss of rows, given a network's inputs and the ratings.
Loss = Callable[[Mapping[str, tf.Tensor], tf.Tensor], tf.Tensor]
HEADS = RatingHead | OrdinalHead | RankingHead
MOVIES = 10_000  # that a user's are held against; of more, so many are drawn


def loss_of(network: keras.Model, movies: Encoded) -> Loss:
    """Returns the loss of a user's rows, the mean over them, penalties included.

    Args:
        network: The network.
        movies: A row for each movie, which those of a user are held against if the
            network learned to rank.

    Raises:
        ConfigError: It learned to rank with negatives that only training knows.
    """
    head = network.layers[-1]
    if not isinstance(head, HEADS):
        return _Rated(network, None)
    with one_at_a_time:
        body = keras.Model(network.input, head.input, name=network.name)
    if isinstance(head, RankingHead):
        return _Ranked(body, head, movies)
    return _Rated(body, head)


class _Rated:
    """The loss of ratings: their squared errors, or that of ordered levels."""

    def __init__(self, body: keras.Model, head: RatingHead | OrdinalHead | None):
        self._body, self._head = body, head

    def __call__(self, inputs: Mapping[str, tf.Tensor], rating: tf.Tensor) -> tf.Tensor:
        predicted = self._body(inputs, training=False)
        penalties = [0.0, *self._body.losses]
        if self._head:
            predicted = self._head(predicted, training=True)
        if isinstance(self._head, OrdinalHead):
            each = self._head.loss(rating, predicted)
        else:
            each = tf.square(tf.squeeze(predicted, -1) - rating)
        return tf.reduce_mean(each) + tf.add_n(penalties)


class _Ranked:
    """The loss of relevant movies, each held against all others of the catalogue.

    That is the mean over the negatives that training draws alike. Of a catalogue that
    is too large, some are drawn, the same ones for all users.
    """

    def __init__(self, body: keras.Model, head: RankingHead, movies: Encoded):
        if head.by_popularity and head.loss_name != "softmax":
            raise ConfigError(
                f"model={body.name} learned to rank by training.loss={head.loss_name}"
                " with negatives that are drawn by popularity, which it does not know"
                " any more; to take new users, train it with"
                " training.negative_sampling=uniform or training.loss=softmax"
            )
        self._body, self._head = body, head
        drawn = np.arange(len(movies), dtype=np.int32)
        if len(movies) > MOVIES:
            drawn = np.random.default_rng(0).permutation(drawn)[:MOVIES]
        # So that a sum over the drawn ones is, on average, that over all.
        self._correction = float(np.log(len(movies) / len(drawn)))
        given: dict[str, Any] = model_inputs(body, movies, drawn)
        given["user"] = np.zeros_like(given["user"])
        self._movies = {name: tf.constant(values) for name, values in given.items()}

    def __call__(self, inputs: Mapping[str, tf.Tensor], rating: tf.Tensor) -> tf.Tensor:
        positive = tf.squeeze(self._body(inputs, training=False), -1)
        penalties = [0.0, *self._body.losses]
        scores = tf.transpose(self._body(self._movies, training=False))
        if self._head.loss_name == "softmax":
            scores += self._correction
        held = tf.ones_like(scores)
        if not self._head.is_multinomial:
            same = self._movies["item"][:, None] == inputs["item"]
            held -= tf.cast(tf.reduce_any(same, 1), held.dtype)[None]
        slot = tf.zeros_like(inputs["item"])
        each = self._head.losses(positive, slot, scores, held)
        return tf.reduce_mean(each) + tf.add_n(penalties)
