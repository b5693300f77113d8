"""Recommends movies to new users, whom a model knows by a file of ratings."""

import logging

import pandas as pd

from cfexp.config.options import Options
from cfexp.data.checks import require_pairs
from cfexp.data.ids import as_ids, positions
from cfexp.data.ratings import ITEM, RATING, USER
from cfexp.errors import DataError
from cfexp.models.new_users import recommend_to_new
from cfexp.models.predictor import Predictor
from cfexp.runs.own_file import OwnFile, read_own

log = logging.getLogger(__name__)


def to_new(
    predictor: Predictor, options: Options, seed: int
) -> tuple[str, pd.DataFrame]:
    """Returns a title, and the movies for the users of the file ``ratings=``.

    Args:
        predictor: The trained model.
        options: ``ratings``, the file; ``k``, and whether to ``explain``.
        seed: Seed of the order of movies with equal scores.

    Raises:
        ConfigError: The model cannot take new users.
        DataError: The file cannot be used.
    """
    path = str(options.ratings)
    file = _read(predictor, path, options)
    ids = as_ids(file.frame[ITEM])
    unknown = ids[positions(ids, predictor.encoder.items) < 0]
    if len(unknown):
        log.warning(
            "%s of %s ratings are of movies that the model does not know, such as %s",
            *(f"{len(unknown):,}", f"{len(ids):,}", unknown.iloc[0]),
        )
    try:
        found = recommend_to_new(
            predictor, file.frame, k=options.k, explain=options.explain, seed=seed
        )
    except DataError as error:
        raise DataError(f"ratings={path}: {error}") from None
    who = "a new user"
    if USER in found:
        who = f"{found[USER].nunique():,} new users"
    return f"top {options.k} movies for {who} with {len(ids):,} ratings", found


def _read(predictor: Predictor, path: str, options: Options) -> OwnFile:
    """Reads ratings, of one user if there is no column of users.

    Raises:
        DataError: A column or a value is missing.
    """
    file = read_own(
        predictor,
        path,
        option="ratings",
        wanted=(ITEM, RATING),
        columns=options.columns,
        optional=(USER,),
    )
    require_pairs(file.frame, [c for c in (USER, ITEM, RATING) if c in file.frame])
    return file
