"""Tests a fitted model on rows of a dataset."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cfexp.data.encoder import encode
from cfexp.data.ratings import RATING, USER, IntArray, Ratings
from cfexp.data.split import Data, Split
from cfexp.evaluation.comparison import Comparison
from cfexp.evaluation.groups import Evaluation, Seen, evaluate, times_seen
from cfexp.evaluation.metrics import FloatArray
from cfexp.models.base import predict_with_std
from cfexp.models.source import Source
from cfexp.training.fit import Fitted
from cfexp.training.recipe import Usable

OwnMetrics = Callable[[Ratings, IntArray, FloatArray], Mapping[str, float]]


@dataclass(frozen=True)
class Scored:
    """Predictions of some rows, which are no ratings if the model learned to rank.

    Attributes:
        predicted: Predicted ratings, or scores, shape ``(n,)``.
        seen: Number of training ratings of each row's user and movie.
    """

    predicted: FloatArray
    seen: Seen


@dataclass(frozen=True)
class Tested(Scored):
    """Predicted ratings of some rows and their errors.

    Attributes:
        evaluation: The errors.
        std: Standard deviation of each rating, shape ``(n,)``; None if unknown.
    """

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


def test_model(
    model: Usable,
    baselines: Mapping[str, Usable],
    data: Data,
    fitted_on: str,
    own: OwnMetrics | None,
) -> tuple[Tested | Scored, Comparison | None]:
    """Returns the predictions of the test rows, and their errors beside baselines'.

    Args:
        model: The model.
        baselines: The baselines, by name.
        data: The dataset and its split.
        fitted_on: As in `Comparison`.
        own: Returns further metrics of some rows of the dataset, by name; None of a
            model that learned to rank, whose scores have no errors.
    """
    ratings, split = data
    seen = times_seen(ratings, split.test, split.train)
    if own is None:
        encoded = encode(ratings, model.encoder, split.test)
        return Scored(model.scorer.predict(encoded), seen), None
    found = evaluate_fitted(model, ratings, split.test, seen=seen)
    others = test_baselines(baselines, ratings, split.test, seen)
    further = own(ratings, split.test, found.predicted)
    return found, Comparison(found.evaluation, others, fitted_on, further)


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
