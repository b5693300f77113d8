"""Tests a fitted model on rows of a dataset."""

from collections.abc import Mapping
from dataclasses import dataclass

from cfexp.data.encoder import encode
from cfexp.data.ratings import RATING, USER, IntArray, Ratings
from cfexp.data.split import Split
from cfexp.evaluation.groups import Evaluation, Seen, evaluate
from cfexp.evaluation.metrics import FloatArray
from cfexp.models.base import predict_with_std
from cfexp.models.source import Source
from cfexp.training.fit import Fitted
from cfexp.training.recipe import Usable


@dataclass(frozen=True)
class Tested:
    """Predictions of some rows and their errors.

    Attributes:
        predicted: Predicted ratings, shape ``(n,)``.
        seen: Number of training ratings of each row's user and movie.
        evaluation: The errors.
        std: Standard deviation of each rating, shape ``(n,)``; None if unknown.
    """

    predicted: FloatArray
    seen: Seen
    evaluation: Evaluation
    std: FloatArray | None = None


def evaluate_fitted(
    model: Usable, ratings: Ratings, rows: IntArray, *, seen: Seen | None = None
) -> Tested:
    """Predicts and evaluates some rows of a dataset.

    Args:
        model: The model.
        ratings: The dataset.
        rows: Positions of the rows.
        seen: Number of training ratings of each row's user and movie, from
            `times_seen`; if None, counted in the rows that the encoder was fitted to.

    Raises:
        TrainingError: A prediction is not a number.
    """
    encoded = encode(ratings, model.encoder, rows)
    predicted, std = predict_with_std(model.scorer, encoded)
    seen = model.encoder.times_seen(encoded) if seen is None else seen
    part = ratings.frame.iloc[rows]
    evaluation = evaluate(part[RATING], predicted, user=part[USER], seen=seen)
    return Tested(predicted, seen, evaluation, std)


def test_baselines(
    baselines: Mapping[str, Usable], ratings: Ratings, rows: IntArray, seen: Seen
) -> dict[str, Evaluation]:
    """Evaluates fitted baselines on the rows and groups that a model is tested on.

    The result is shared by all models of this process with these baselines and rows.
    """

    def evaluate_all() -> dict[str, Evaluation]:
        return {
            name: evaluate_fitted(baseline, ratings, rows, seen=seen).evaluation
            for name, baseline in baselines.items()
        }

    key = ("tested", *baselines.items())
    return ratings.shared.of_rows(key, [rows, *seen.values()], evaluate_all)


def fitted_on(
    fitted: Fitted, split: Split, *, members: int, source: Source | None
) -> str:
    """Returns a sentence: the rows that a model and its baselines were fitted to.

    Args:
        fitted: The model.
        split: The split.
        members: Number of members of an ensemble, 0 for other models.
        source: The trained model that was fine-tuned.
    """
    both = len(fitted.rows) > len(split.train)
    what = f"{len(fitted.rows):,} train{' and validation' if both else ''} rows"
    if members:
        return f"Baselines were fitted to {what}, the members each to its own."
    also = f", the model first to those of {source.name}" if source else ""
    return f"Model and baselines were fitted to the same {what}{also}."
