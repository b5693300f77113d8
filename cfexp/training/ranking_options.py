"""What a model cannot be trained to rank with, or be tested by ranking."""

from collections.abc import Collection

from cfexp.data.checks import require_different_ratings
from cfexp.data.features import Features
from cfexp.data.ratings import RATING, Ratings
from cfexp.evaluation.sampled import check_negatives
from cfexp.evaluation.settings import EvaluationSettings
from cfexp.training.settings import Training


def ranking_problems(
    settings: EvaluationSettings,
    training: Training,
    features: Features,
    metrics: Collection[str],
) -> list[str]:
    """Returns why movies cannot be ranked, or a model not be trained to rank, so.

    Args:
        settings: How movies are ranked, and whether they are.
        training: Options of training.
        features: The features of the model.
        metrics: Names of the user's own metrics.
    """
    loss, found = f"training.loss={training.loss}", _unranked(settings)
    if not training.ranks:
        return found
    if training.engine == "keras":
        found.append(f"{loss} needs training.engine=compiled. Got: keras")
    if training.strategy != "none":
        found.append(
            f"{loss} is trained on one device: set training.strategy=none. Got:"
            f" {training.strategy}"
        )
    if training.negatives == "all" and training.negative_sampling == "popularity":
        found.append(
            "training.negatives=all leaves none to be drawn by popularity: set"
            " training.negative_sampling=uniform, or training.negatives to a number"
        )
    if metrics:
        found.append(
            f"metrics={','.join(metrics)} needs predicted ratings, but {loss} gives"
            " scores: leave it out"
        )
    if features.time:
        found.append(
            f"features.time={features.time} is not known of movies that were not rated,"
            f" which {loss} draws: set features.time=null"
        )
    return found


def _unranked(settings: EvaluationSettings) -> list[str]:
    if settings.ranking or not settings.sampled_negatives:
        return []
    return [
        "evaluation.sampled_negatives needs evaluation.ranking=true. Got:"
        f" sampled_negatives={settings.sampled_negatives}, ranking=false"
    ]


def check_data(ratings: Ratings, ranks: bool, negatives: int | None) -> None:
    """Checks, before a model is trained, that data can train it and rank movies.

    Args:
        ratings: The dataset.
        ranks: Whether the model learns to rank.
        negatives: Number of movies to rank each test movie against; None: all only.

    Raises:
        DataError: There is nothing to learn, or there are too few movies to draw.
    """
    if not ranks:
        require_different_ratings(ratings.name, ratings.frame[RATING])
    check_negatives(ratings, negatives)
