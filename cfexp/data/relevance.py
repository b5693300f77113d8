"""From which rating on a movie is relevant to a user."""

from typing import Literal

RelevantFrom = float | Literal["mean"] | None
SHARE = 0.8  # of the highest rating: 4 of 5 stars


def lowest_relevant_rating(
    relevant_from: RelevantFrom, *, highest: float, mean: float
) -> float:
    """Returns the lowest rating of a relevant movie.

    Args:
        relevant_from: The rating; ``mean``, the user's mean; None: four fifths of the
            highest rating.
        highest: The highest rating of the scale.
        mean: The user's mean rating.
    """
    if relevant_from is None:
        return SHARE * highest
    return mean if relevant_from == "mean" else float(relevant_from)
