"""Recommends movies to a user with a trained model."""

from pathlib import Path

from cfexp.data.ids import equal_to
from cfexp.data.ratings import GENRES, ITEM, USER, Ratings
from cfexp.errors import DataError
from cfexp.models.predictor import Predictor
from cfexp.runtime.console import print_frame


def recommend(
    predictor: Predictor, ratings: Ratings, *, user: str, k: int, output: Path
) -> None:
    """Prints and writes the movies a user has not rated that they would rate highest.

    Args:
        predictor: The trained model.
        ratings: The dataset, which says what the user has rated.
        user: The user's id.
        k: Number of movies.
        output: The CSV file to write.

    Raises:
        DataError: The user has no rating in the dataset.
    """
    rated = ratings.frame[equal_to(ratings.frame[USER], user)]
    if rated.empty:
        examples = ", ".join(map(str, ratings.frame[USER].unique()[:5]))
        raise DataError(
            f"user={user} has no ratings in {ratings.name}. Its users are such as"
            f" {examples}."
        )
    top = predictor.recommend(user, k=k, seen=rated[ITEM])
    output.parent.mkdir(parents=True, exist_ok=True)
    top.to_csv(output, index=False)
    print_frame(
        f"top {len(top)} unseen movies for user {user} ({len(rated)} rated), by"
        f" {predictor.origin.model}",
        top,
        digits=2,
        spare=[GENRES],
    )
