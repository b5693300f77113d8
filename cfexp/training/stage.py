"""The rows of a training, encoded, and what chooses its epoch."""

from dataclasses import dataclass

from cfexp.data.encoder import FeatureEncoder, encode
from cfexp.data.encoding import Encoded
from cfexp.data.ratings import IntArray, Ratings
from cfexp.data.streaming import encode_on_disk
from cfexp.errors import DataError
from cfexp.evaluation.relevance import relevant_rows
from cfexp.training.loop import Rows
from cfexp.training.ranking_loss import with_relevance
from cfexp.training.recipe import Recipe
from cfexp.training.validation import monitor_of


@dataclass(frozen=True)
class Stage:
    """The rows and epochs of the training that chooses the epoch, or of the refit.

    Attributes:
        train: Positions of the training rows.
        valid: Positions of the validation rows; None to keep the last epoch.
        epochs: Stop after this many epochs; None for ``training.epochs``.
    """

    train: IntArray
    valid: IntArray | None = None
    epochs: int | None = None


def rows_of(
    recipe: Recipe, ratings: Ratings, encoder: FeatureEncoder, stage: Stage
) -> Rows:
    """Returns the encoded rows of a stage, and what chooses the epoch."""
    train = _encoded(recipe, ratings, encoder, stage.train)
    valid = None if stage.valid is None else encode(ratings, encoder, stage.valid)
    monitor = monitor_of(recipe, ratings, (stage.train, stage.valid), encoder)
    return Rows(train, valid, monitor)


def _encoded(
    recipe: Recipe, ratings: Ratings, encoder: FeatureEncoder, rows: IntArray
) -> Encoded:
    if recipe.training.ranks:
        relevant = relevant_rows(recipe.ranked, ratings, rows)
        if not relevant.any():
            raise DataError(
                f"{ratings.name}: no training rating is relevant. Set"
                " evaluation.relevant_from to a lower rating."
            )
        return with_relevance(encode(ratings, encoder, rows), relevant)
    stream_from = recipe.training.stream_from
    if stream_from is not None and len(rows) >= stream_from:
        return encode_on_disk(ratings, encoder, rows)
    return encode(ratings, encoder, rows)
