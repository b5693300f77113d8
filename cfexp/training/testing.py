"""Tests a fitted model on rows of a dataset."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from cfexp.data.encoder import FeatureEncoder, encode
from cfexp.data.ratings import RATING, USER, IntArray, Ratings
from cfexp.evaluation.groups import Evaluation, Seen, evaluate
from cfexp.evaluation.metrics import FloatArray
from cfexp.models.base import Scorer


class Usable(Protocol):
    """A model with the encoder of its inputs."""

    @property
    def encoder(self) -> FeatureEncoder:
        """The encoder."""

    @property
    def scorer(self) -> Scorer:
        """The model."""


@dataclass(frozen=True)
class Tested:
    """Predictions of some rows and their errors.

    Attributes:
        predicted: Shape ``(n,)``.
        seen: Training ratings of each row's user and movie.
        evaluation: The errors.
    """

    predicted: FloatArray
    seen: Seen
    evaluation: Evaluation


def evaluate_fitted(
    model: Usable, ratings: Ratings, rows: IntArray, *, seen: Seen | None = None
) -> Tested:
    """Predicts and evaluates some rows of a dataset.

    Args:
        model: The model.
        ratings: The dataset.
        rows: Positions of the rows.
        seen: What `times_seen` returned; where None, the ratings that the model's
            own encoder was fitted to are counted.

    Raises:
        TrainingError: A prediction is not a number.
    """
    encoded = encode(ratings, model.encoder, rows)
    predicted = model.scorer.predict(encoded)
    seen = model.encoder.times_seen(encoded) if seen is None else seen
    part = ratings.frame.iloc[rows]
    evaluation = evaluate(part[RATING], predicted, user=part[USER], seen=seen)
    return Tested(predicted, seen, evaluation)


def test_baselines(
    baselines: Mapping[str, Usable], ratings: Ratings, rows: IntArray, seen: Seen
) -> dict[str, Evaluation]:
    """Evaluates fitted baselines on the rows and groups that a model is tested on."""
    return {
        name: evaluate_fitted(baseline, ratings, rows, seen=seen).evaluation
        for name, baseline in baselines.items()
    }
