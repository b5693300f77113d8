"""The loss of a batch of positives, held against negatives drawn for its users."""

from dataclasses import replace

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from cfexp.data.encoding import Encoded, feature_input
from cfexp.models.layers.ranking import (
    CUMULATIVE,
    LOG_SHARE,
    NEVER,
    RankingHead,
    ranking_head,
)
from cfexp.training.crossed import crossed_scores

Columns = dict[str, tf.Tensor]
# Exponent of a movie's positives if negatives are drawn by popularity: Mikolov et al.,
# Distributed Representations of Words and Phrases, 2013, sec. 2.2.
EXPONENT = 0.75
# Prefix of the tables that say, of each movie, the row of a feature's table.
ROW_OF_ITEM = "row_of_item_"


def with_relevance(rows: Encoded, relevant: npt.NDArray[np.bool_]) -> Encoded:
    """Returns rows whose rating is 1 if they are positives, else 0."""
    return replace(rows, rating=relevant.astype(np.float32))


def catalogue_tables(
    rows: Encoded, head: RankingHead
) -> dict[str, npt.NDArray[np.generic]]:
    """Returns the tables that negatives are drawn with, besides `Encoded.tables`.

    Args:
        rows: All training rows, see `with_relevance`; movies of others are not drawn.
        head: The last layer of the network. By popularity, movies are drawn in
            proportion to their number of positives, at least 1, to the power of
            `EXPONENT`.
    """
    known = np.bincount(rows.item, minlength=head.item_rows) > 0
    known[0] = False  # unknown movies
    count = np.bincount(rows.item[rows.rating > 0], minlength=head.item_rows)
    exponent = EXPONENT if head.by_popularity else 0.0
    share = np.where(known, np.maximum(count, 1.0) ** exponent, 0.0)
    share /= share.sum()
    cumulative = np.cumsum(share).astype(np.float32)
    cumulative[np.flatnonzero(known)[-1] :] = 1.0  # of numbers below 1, none is above
    log_share = np.full(head.item_rows, NEVER, np.float32)
    log_share[known] = np.log(share[known])
    found: dict[str, npt.NDArray[np.generic]] = {
        CUMULATIVE: cumulative,
        LOG_SHARE: log_share,
    }
    for number, feature in enumerate(rows.features.values()):
        if feature.of == "item":
            row = np.zeros(head.item_rows, np.int32)
            row[rows.item] = feature.row
            found[ROW_OF_ITEM + feature_input(number)] = row
    return found


def ranking_losses(
    model: keras.Model,
    positive: tf.Tensor,
    rows: Columns,
    tables: Columns,
    slots: int,
) -> tf.Tensor:
    """Returns the loss of each positive of a batch, shape ``(batch,)``.

    Args:
        model: The network, whose last layer is a `RankingHead`.
        positive: Its scores of the batch, shape ``(batch,)``.
        rows: The batch's columns, with ``slot``, see `RowSum`: all positives of some
            users.
        tables: The values of features, and `catalogue_tables`.
        slots: Number of users in a batch, at most.
    """
    head = ranking_head(model)
    assert head
    drawn = head.draw(tables)
    users, items = _inputs(model, rows, tables, slots, drawn.item)
    scores = crossed_scores(model, users, items)
    if head.loss_name == "softmax":
        scores += drawn.correction
    held = tf.ones_like(scores)
    if not head.is_multinomial:
        positives = _positives(rows, slots, head.item_rows)
        held -= tf.gather(positives, drawn.item, axis=1)
    # Rows that fill a batch up have no user; their loss does not count.
    slot = tf.minimum(rows["slot"], slots - 1)
    return head.losses(positive, slot, scores, held)


def _inputs(
    model: keras.Model, rows: Columns, tables: Columns, slots: int, drawn: tf.Tensor
) -> tuple[Columns, Columns]:
    """Returns the inputs of a batch's users, and those of the drawn movies."""
    place = rows["slot"][:, None]

    def of_users(column: tf.Tensor) -> tf.Tensor:
        found = tf.zeros([slots + 1], column.dtype)
        return tf.tensor_scatter_nd_update(found, place, column)[:slots]

    users, items = {"user": of_users(rows["user"])}, {"item": drawn}
    for name in tables.keys() & model.input.keys():
        of_item = tables.get(ROW_OF_ITEM + name)
        if of_item is None:
            users[name] = tf.gather(tables[name], of_users(rows[name]))
        else:
            items[name] = tf.gather(tables[name], tf.gather(of_item, drawn))
    return users, items


def _positives(rows: Columns, slots: int, item_rows: int) -> tf.Tensor:
    """Returns 1 where a movie is a positive of a user, shape ``(slots, item_rows)``."""
    at = tf.stack([rows["slot"], rows["item"]], 1)
    found = tf.zeros([slots + 1, item_rows])
    return tf.tensor_scatter_nd_update(found, at, tf.ones_like(rows["rating"]))[:slots]
