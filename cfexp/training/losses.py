"""The losses of a batch of training rows."""

import math
from typing import NamedTuple

import keras
import tensorflow as tf

from cfexp.models.layers.ordinal import ordinal_head
from cfexp.models.layers.ranking import ranking_head
from cfexp.training.ranking_loss import ranking_losses

Rows = dict[str, tf.Tensor]
Tables = dict[str, tf.Tensor]


class Losses(NamedTuple):
    """Losses of a batch, or their sums over batches.

    Attributes:
        loss: The mean loss, plus the model's penalties.
        error: The mean squared error; NaN of a model that is trained to rank.
    """

    loss: tf.Tensor
    error: tf.Tensor


def batch_losses(
    model: keras.Model, rows: Rows, tables: Tables, slots: int = 0
) -> Losses:
    """Returns the losses of a batch.

    Args:
        model: The model.
        rows: The batch's columns, see `Encoded.columns`; of a batch of whole rows also
            ``slot``, see `RowSum`, and ``weight``, 0 for those that fill it up.
        tables: The values of features, see `Encoded.tables`, and to train a model to
            rank `catalogue_tables`.
        slots: As in `Batch`.
    """
    rating = rows["rating"]
    predicted = model(_inputs(model, rows, tables), training=True)
    penalty, weight = tf.add_n([0.0, *model.losses]), rows.get("weight")
    if ranking_head(model):
        score = tf.squeeze(predicted, -1)
        each = ranking_losses(model, score, rows, tables, slots)
        return Losses(_mean(each, weight) + penalty, tf.constant(math.nan))
    head = ordinal_head(model)
    mean = head.mean(predicted) if head else predicted
    error = _mean(tf.square(tf.squeeze(mean, -1) - rating), weight)
    loss = _mean(head.loss(rating, predicted), weight) if head else error
    return Losses(loss + penalty, error)


def _inputs(model: keras.Model, rows: Rows, tables: Tables) -> dict[str, tf.Tensor]:
    """Returns the inputs of a model for the rows of a batch."""
    inputs = {"user": rows["user"], "item": rows["item"]}
    if "target" in model.input:
        inputs["target"] = rows["rating"]
    if "slot" in model.input:
        inputs["slot"] = rows["slot"]
    for name in tables.keys() & model.input.keys():
        inputs[name] = tf.gather(tables[name], rows[name])
    return inputs


def _mean(values: tf.Tensor, weight: tf.Tensor | None) -> tf.Tensor:
    if weight is None:
        return tf.reduce_mean(values)
    return tf.reduce_sum(values * weight) / tf.reduce_sum(weight)
