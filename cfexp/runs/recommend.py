"""``mode=recommend``: recommends movies to a user with a trained model."""

import pandas as pd

from cfexp.data.ids import equal_to
from cfexp.data.ratings import GENRES, ITEM, USER, Ratings
from cfexp.errors import DataError
from cfexp.models.overlap import check_related
from cfexp.models.predictor import Predictor
from cfexp.runs.output import output_of, write_output
from cfexp.runs.task import Task
from cfexp.runtime.console import print_frame, print_lines
from cfexp.runtime.output import near
from cfexp.runtime.result import conclude


def recommend(task: Task) -> None:
    """Recommends movies to a user, see `recommend_to`.

    Raises:
        CfexpError: The model cannot be found, or the user has no rating in the dataset.
    """
    predictor, _ = task.trained_model()
    ratings = task.experiment_over(predictor.origin.config).dataset.load()
    options = task.options
    check_related(predictor, ratings, same_ids=options.same_ids)
    top = recommend_to(predictor, ratings, user=str(options.user), k=options.k)
    rated = int(equal_to(ratings.frame[USER], str(options.user)).sum())
    output = output_of(task)
    write_output(top, output)
    title = f"top {len(top)} unseen movies for user {options.user} ({rated} rated)"
    model = predictor.origin.model
    print_frame(f"{title}, by {model}", top, digits=2, spare=[GENRES])
    print_lines([("output", near(output))])
    listed = top.to_dict(orient="records")
    conclude(f"{title} in {near(output)}", {"output": output, "movies": listed})


def recommend_to(
    predictor: Predictor, ratings: Ratings, *, user: str, k: int
) -> pd.DataFrame:
    """Returns the movies with the highest predictions that a user has not rated.

    Args:
        predictor: The trained model.
        ratings: The dataset with the user's ratings.
        user: The user's id.
        k: Number of movies.

    Raises:
        DataError: The user has no rating in the dataset.
    """
    rated = ratings.frame[equal_to(ratings.frame[USER], user)]
    if rated.empty:
        examples = ", ".join(map(str, ratings.frame[USER].unique()[:5]))
        raise DataError(
            f"user={user} has no ratings in {ratings.name}. Give one of its users, such"
            f" as {examples}."
        )
    return predictor.recommend(user, k=k, seen=rated[ITEM])
