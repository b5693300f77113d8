"""Which movies are relevant to a user."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from cfexp.data.ratings import RATING, USER, IntArray, Ratings
from cfexp.data.relevance import lowest_relevant_rating
from cfexp.evaluation.metrics import FloatArray
from cfexp.evaluation.settings import EvaluationSettings


def lowest_relevant(
    settings: EvaluationSettings,
    ratings: Ratings,
    user: npt.NDArray[np.integer],
    before: IntArray,
) -> tuple[FloatArray, str]:
    """Returns each user's lowest relevant rating, and the same in words.

    Args:
        settings: What is relevant.
        ratings: The dataset.
        user: Number of each row's user, from 0.
        before: Positions of the rows that a user's mean is of.
    """
    n_users = int(user.max()) + 1
    if settings.relevant_from == "mean":
        rating = ratings.frame[RATING].to_numpy(np.float64)[before]
        rater = user[before]
        total = np.bincount(rater, rating, n_users)
        count = np.bincount(rater, minlength=n_users)
        mean = np.full(n_users, float(rating.mean()))  # of users without a rating
        return np.divide(total, count, out=mean, where=count > 0), "the user's mean"
    lowest = lowest_relevant_rating(
        settings.relevant_from, highest=ratings.scale[1], mean=np.nan
    )
    return np.full(n_users, lowest), f"{lowest:g}"


def relevant_rows(
    settings: EvaluationSettings, ratings: Ratings, rows: IntArray
) -> npt.NDArray[np.bool_]:
    """Returns whether each of some rows is relevant to its user, shape ``(n,)``."""
    user = pd.factorize(ratings.frame[USER])[0]
    lowest, _ = lowest_relevant(settings, ratings, user, rows)
    rating = ratings.frame[RATING].to_numpy(np.float64)[rows]
    return rating >= lowest[user[rows]]
