"""Recommends movies to many users of a dataset."""

import logging

import pandas as pd

from cfexp.config.options import Options
from cfexp.data.checks import require_pairs
from cfexp.data.ids import as_ids, did_you_mean_id, positions
from cfexp.data.ratings import ITEM, USER, Ratings
from cfexp.models.predictor import Predictor
from cfexp.runs.own_file import read_own

log = logging.getLogger(__name__)
ALL = "all"


def to_many(
    predictor: Predictor, ratings: Ratings, options: Options, seed: int
) -> tuple[str, pd.DataFrame]:
    """Returns a title, and the movies for the users of ``users=``.

    Args:
        predictor: The trained model.
        ratings: The dataset, whose rated movies are left out.
        options: ``users``, a file of them or ``all`` of the dataset, and ``k``.
        seed: Seed of the order of movies with equal scores.

    Raises:
        DataError: The file cannot be read, or has no users.
    """
    pairs = ratings.frame[[USER, ITEM]]
    if options.users == ALL:
        users = pairs[USER].drop_duplicates().reset_index(drop=True)
    else:
        users = _of_file(predictor, str(options.users), options)
    unknown = users[positions(users, predictor.encoder.users) < 0]
    if len(unknown):
        log.warning(
            "%s of %s users are not known to the model, such as %s%s: they get the"
            " movies of any unknown user",
            *(f"{len(unknown):,}", f"{len(users):,}", unknown.iloc[0]),
            did_you_mean_id(unknown.iloc[0], predictor.encoder.users),
        )
    top = predictor.recommend_many(users, k=options.k, seen=pairs, seed=seed)
    return f"top {options.k} unseen movies for each of {len(users):,} users", top


def _of_file(predictor: Predictor, path: str, options: Options) -> pd.Series:
    """Returns the users that a file names, each once."""
    file = read_own(
        predictor, path, option="users", wanted=(USER,), columns=options.columns
    )
    require_pairs(file.frame, (USER,))
    return as_ids(file.frame[USER]).drop_duplicates().reset_index(drop=True)
