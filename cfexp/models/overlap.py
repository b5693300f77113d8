"""Whether a dataset fits a trained model, and which of its rows can test the model.

A model cannot be tested on rows that it was trained on, and in other data the same ids
may stand for other users and movies.
"""

import logging
from dataclasses import replace

import numpy as np
import pandas as pd

from cfexp.data.ratings import ITEM, TITLE, USER, IntArray, Ratings
from cfexp.data.split import Split, fingerprint
from cfexp.errors import DataError
from cfexp.models.known import BoolArray, KnownPairs
from cfexp.models.predictor import Predictor

log = logging.getLogger(__name__)

DROP = "drop"
# Share of equal titles among common movie ids; below 1 since spellings differ.
SAME_TITLES = 0.5


def check_related(predictor: Predictor, ratings: Ratings, *, same_ids: bool) -> None:
    """Checks that a dataset's ids stand for the users and movies that a model knows.

    They do in the model's own dataset, or if most titles agree.

    Args:
        predictor: The trained model.
        ratings: The dataset.
        same_ids: Skip the check, because the user has confirmed it.

    Raises:
        DataError: They do not, or it cannot be determined.
    """
    origin = predictor.origin
    if same_ids or ratings.fingerprint == origin.data_fingerprint:
        return
    agreeing = _agreeing_titles(predictor.movies, ratings.movies)
    same_name = ratings.name == origin.dataset
    if same_name if agreeing is None else agreeing >= SAME_TITLES:
        return
    reason = (
        "it is unknown whether the same ids mean the same users and movies"
        if agreeing is None
        else f"only {agreeing:.0%} of the movies with the same id have the same title"
    )
    raise DataError(
        f"this model was trained on {origin.dataset}, and {reason} in {ratings.name}."
        " Give the data that it was trained on, or set same_ids=true if the ids are the"
        " same"
    )


def _agreeing_titles(one: pd.DataFrame, other: pd.DataFrame) -> float | None:
    """Returns the share of equal titles; None if no id has a title in both."""
    titled = [
        frame[frame[TITLE] != ""].astype({ITEM: str})[[ITEM, TITLE]]
        for frame in (one, other)
    ]
    both = titled[0].merge(titled[1], on=ITEM)
    if both.empty:
        return None
    first, second = (
        both[f"{TITLE}_{side}"].str.casefold().str.strip() for side in "xy"
    )
    return float((first == second).mean())


def unknown_split(
    split: Split, ratings: Ratings, known: KnownPairs, *, policy: str
) -> Split:
    """Returns a split without the validation and test rows that a model knows.

    A test row is known if the model was trained on it or its epoch was chosen on it; a
    validation row only if the model was trained on it.

    Args:
        split: The split.
        ratings: The dataset.
        known: The pairs that the model knows.
        policy: ``error`` or ``drop``: what to do with known rows.

    Raises:
        DataError: Rows are known and `policy` is ``error``, or no test row is left.
    """
    test = unknown_rows(split.test, ratings, known, policy=policy)
    is_known = _are_known(split.valid, ratings, known, trained_only=True)
    valid = split.valid[~is_known]
    if is_known.any():
        _check_may_drop(int(is_known.sum()), "validation", split.valid, policy)
        if not len(valid):
            log.warning(
                "the model was trained on every validation row: there is no validation"
                " error, the last epoch is kept, and run_id=best and ensembles will"
                " not choose this run"
            )
    digest = split.fingerprint
    if len(test) < len(split.test):  # fewer test rows make a different split
        digest = fingerprint(ratings, train=split.train, valid=valid, test=test)
    return replace(split, valid=valid, test=test, fingerprint=digest)


def unknown_rows(
    rows: IntArray, ratings: Ratings, known: KnownPairs, *, policy: str
) -> IntArray:
    """Returns the test rows that a model does not know.

    Args:
        rows: Positions of the test rows.
        ratings: The dataset.
        known: The pairs that the model knows.
        policy: ``error`` or ``drop``: what to do with known rows.

    Raises:
        DataError: Rows are known and `policy` is ``error``, or no row is left.
    """
    is_known = _are_known(rows, ratings, known, trained_only=False)
    if not is_known.any():
        return rows
    _check_may_drop(int(is_known.sum()), "test", rows, policy)
    if is_known.all():
        raise DataError(
            f"this model knows all of the {len(rows):,} test rows: none is left to test"
            " it on. Give the split and seed that it was trained with, or other data"
        )
    return rows[~is_known]


def _check_may_drop(known: int, part: str, rows: IntArray, policy: str) -> None:
    if policy != DROP:
        raise DataError(
            f"this model knows {known:,} of the {len(rows):,} {part} rows: it was"
            " trained on them, or its epoch was chosen on them, so that its error there"
            " is not that of new ratings. Give the dataset, split and seed that it was"
            " trained with, or leave these rows out with known_rows=drop"
        )
    log.warning(
        "left out %s of %s %s rows, which the model knows",
        f"{known:,}",
        f"{len(rows):,}",
        part,
    )


def _are_known(
    rows: IntArray, ratings: Ratings, known: KnownPairs, *, trained_only: bool
) -> BoolArray:
    if not len(rows):
        return np.zeros(0, bool)
    pairs = ratings.frame[[USER, ITEM]].iloc[rows]
    return known.among(pairs, trained_only=trained_only)
