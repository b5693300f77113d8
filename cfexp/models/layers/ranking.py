"""A last layer of models that are trained to rank, with its losses."""

import math
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import keras
import tensorflow as tf

from cfexp.models.layers.seeds import mask_seed

# The names of tables that hold, of each movie, what `RankingHead.draw` needs.
CUMULATIVE, LOG_SHARE = "ranking_cumulative", "ranking_log_share"
# Negatives of a positive in He et al. (2017), sec. 4.1: the weight of their mean loss.
NEGATIVES = 4.0
NEVER = -1e9


class Negatives(NamedTuple):
    """Negatives that the users of a batch share.

    Attributes:
        item: The movies, shape ``(n,)``.
        correction: What to add to their scores, so that a sum of ``exp(score)`` is, on
            average, that over the whole catalogue, shape ``(n,)``.
    """

    item: tf.Tensor
    correction: tf.Tensor


@keras.saving.register_keras_serializable(package="cfexp")
class RankingHead(keras.layers.Layer):
    """Returns scores, whose order alone means something, and has the loss of them.

    A positive is a pair of a user and a movie that is relevant, with score s; negatives
    are movies that are none of the user's positives, with scores s_j:

    - ``softmax``: ``-log(exp(s) / (exp(s) + sum_j exp(s_j - log(n q_j))))`` for n
      negatives drawn with probabilities q_j, which corrects for the draw (Bengio and
      Senécal, 2008; Yi et al., 2019, eq. 3). With all movies as candidates it is the
      likelihood of the multinomial (Liang et al., 2018, eq. 2).
    - ``bpr``: ``-log sigmoid(s - s_j)``, mean over j (Rendle et al., 2009, BPR-Opt).
    - ``bce``: ``-log sigmoid(s) - 4 mean_j log sigmoid(-s_j)`` (He et al., 2017, eq. 7,
      with their 4 negatives of a positive).

    Args:
        loss: ``softmax``, ``bpr`` or ``bce``.
        negatives: Number of movies drawn for a batch; 0: all of the catalogue.
        by_popularity: Whether movies are drawn in proportion to a power of their number
            of positives; else all alike.
        item_rows: Rows of a movie table, see `FeatureSpec`.
        seed: Seed of the draws. None: drawn, see `cfexp.models.layers.seeds`.
    """

    # Movies are drawn with tables that the program reads.
    in_weights: ClassVar[tuple[str, ...]] = ("by_popularity", "seed")

    def __init__(
        self,
        loss: str,
        negatives: int,
        *,
        by_popularity: bool,
        item_rows: int,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.loss_name, self.negatives = loss, negatives
        self.by_popularity, self.item_rows = by_popularity, item_rows
        self.seed = mask_seed() if seed is None else seed

    def build(self, shape: Any) -> None:
        """Creates the number of draws and their seed."""
        scalar: dict[str, Any] = {"shape": (), "dtype": "int32", "trainable": False}
        self.draws = self.add_weight(initializer="zeros", name="draws", **scalar)
        seed = keras.initializers.Constant(self.seed)
        self.salt = self.add_weight(initializer=seed, name="salt", **scalar)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Takes and returns scores, shape ``(batch, 1)``."""
        return inputs

    def draw(self, tables: Mapping[str, tf.Tensor]) -> Negatives:
        """Returns the movies that the positives of a batch are held against.

        Args:
            tables: Of all movies the cumulative probabilities, and the logarithm of
                each one's, `NEVER` if it is not drawn.
        """
        log_share = tables[LOG_SHARE]
        if not self.negatives:
            known = tf.where(log_share > NEVER, 0.0, NEVER)
            return Negatives(tf.range(self.item_rows), known)
        self.draws.assign_add(1)
        seed = tf.stack([self.salt.value, self.draws.value])
        drawn = tf.random.stateless_uniform([self.negatives], seed)
        item = tf.searchsorted(tables[CUMULATIVE], drawn, side="right")
        n = math.log(self.negatives)
        return Negatives(item, -n - tf.gather(log_share, item))

    @property
    def is_multinomial(self) -> bool:
        """Whether the loss is the likelihood of all movies, other positives too."""
        return self.loss_name == "softmax" and not self.negatives

    def losses(
        self, positive: tf.Tensor, slot: tf.Tensor, scores: tf.Tensor, held: tf.Tensor
    ) -> tf.Tensor:
        """Returns the loss of each positive, shape ``(batch,)``.

        Args:
            positive: Their scores, shape ``(batch,)``.
            slot: The position of each one's user in `scores`.
            scores: Scores of the drawn movies, corrected if the loss is ``softmax``,
                shape ``(users, n)``.
            held: 1 for those that the user's positives are held against, else 0, the
                same shape.
        """
        if self.loss_name == "softmax":
            total = tf.reduce_logsumexp(tf.where(held > 0, scores, NEVER), -1)
            above = tf.gather(total, slot) - positive
            return above if self.is_multinomial else tf.nn.softplus(above)
        weight = held / tf.maximum(tf.reduce_sum(held, -1, keepdims=True), 1.0)
        if self.loss_name == "bce":
            mean = tf.reduce_sum(weight * tf.nn.softplus(scores), -1)
            return tf.nn.softplus(-positive) + NEGATIVES * tf.gather(mean, slot)
        above = tf.gather(scores, slot) - positive[:, None]
        return tf.reduce_sum(tf.gather(weight, slot) * tf.nn.softplus(above), -1)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that recreate the layer."""
        own = {
            "loss": self.loss_name,
            "negatives": self.negatives,
            "by_popularity": self.by_popularity,
            "item_rows": self.item_rows,
            "seed": self.seed,
        }
        return {**super().get_config(), **own}


def ranking_head(model: keras.Model) -> RankingHead | None:
    """Returns the ranking head of a model, if it has one."""
    last = model.layers[-1]
    return last if isinstance(last, RankingHead) else None
