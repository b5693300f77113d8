"""``mode=recommend``: recommends movies to users with a trained model."""

import logging
from dataclasses import dataclass

import pandas as pd

from cfexp.data.ids import did_you_mean_id, equal_to
from cfexp.data.ratings import GENRES, ITEM, RATING, USER, Ratings
from cfexp.errors import DataError
from cfexp.models.overlap import check_related
from cfexp.models.predictor import Predictor
from cfexp.runs.output import output_of, write_output
from cfexp.runs.recommend_many import to_many
from cfexp.runs.recommend_new import to_new
from cfexp.runs.task import Task
from cfexp.runtime.console import print_frame, print_lines
from cfexp.runtime.output import near
from cfexp.runtime.result import conclude

log = logging.getLogger(__name__)
BECAUSE = "because"


@dataclass(frozen=True)
class Wanted:
    """What to recommend to a user.

    Attributes:
        user: The user's id.
        k: Number of movies.
        seed: Seed of the order of movies with equal scores.
        explain: Whether to add which of the user's ratings raise each prediction.
    """

    user: str
    k: int = 10
    seed: int = 0
    explain: bool = False


def recommend(task: Task) -> None:
    """Recommends movies to a user, to many, or to new ones known by their ratings.

    Raises:
        CfexpError: The model cannot be found or cannot do it, or a file cannot be used.
    """
    predictor, _ = task.trained_model()
    experiment = task.experiment_over(predictor.origin.config)
    options, seed = task.options, experiment.seed
    if options.ratings is not None:
        return _tell(task, predictor, *to_new(predictor, options, seed))
    ratings = experiment.dataset.load()
    check_related(predictor, ratings, same_ids=options.same_ids)
    if options.users is not None:
        return _tell(task, predictor, *to_many(predictor, ratings, options, seed))
    wanted = Wanted(str(options.user), options.k, seed, options.explain)
    rated = int(equal_to(ratings.frame[USER], wanted.user).sum())
    top = recommend_to(predictor, ratings, wanted)
    title = f"top {len(top)} unseen movies for user {wanted.user} ({rated} rated)"
    return _tell(task, predictor, title, top)


def _tell(task: Task, predictor: Predictor, title: str, top: pd.DataFrame) -> None:
    """Writes and prints recommendations."""
    output = output_of(task)
    write_output(top, output)
    title = f"{title}, by {predictor.origin.model}"
    shown = top.head(max(task.options.k, 10))
    print_frame(title, shown, digits=2, spare=[GENRES])
    print_lines([("output", near(output))])
    found: dict[str, object] = {"output": output}
    if USER in top:  # too many to be listed
        found |= {"users": int(top[USER].nunique()), "rows": len(top)}
    else:
        found["movies"] = top.to_dict(orient="records")
    conclude(f"{title} in {near(output)}", found)


def recommend_to(
    predictor: Predictor, ratings: Ratings, wanted: Wanted
) -> pd.DataFrame:
    """Returns the movies with the highest predictions that a user has not rated.

    A user without ratings gets what the model predicts for unknown users.

    Args:
        predictor: The trained model.
        ratings: The dataset with the user's ratings.
        wanted: What to recommend.

    Raises:
        DataError: It should be explained, and the user has no ratings.
    """
    own = ratings.frame[equal_to(ratings.frame[USER], wanted.user)]
    if own.empty:
        users = ratings.frame[USER].unique()
        examples = ", ".join(map(str, users[:5]))
        said = (
            f"user {wanted.user} has no ratings in {ratings.name}, whose users are such"
            f" as {examples}{did_you_mean_id(wanted.user, users)}"
        )
        if wanted.explain:
            raise DataError(f"{said}: leave out explain=true, or give ratings=FILE")
        log.warning("%s: these are the movies for any unknown user", said)
    top = predictor.recommend(wanted.user, k=wanted.k, seen=own[ITEM], seed=wanted.seed)
    if wanted.explain:
        reasons = predictor.fold_in(own[[ITEM, RATING]]).reasons(top[[ITEM]])
        top = top.assign(**{BECAUSE: reasons})
    return top
