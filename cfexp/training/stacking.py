"""Stacks trained runs: fits their weights to the validation rows."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import KFold, cross_val_predict

from cfexp.data.encoder import FeatureEncoder
from cfexp.data.ratings import RATING, Ratings
from cfexp.data.split import Split
from cfexp.errors import DataError
from cfexp.evaluation.metrics import FloatArray, mae, rmse
from cfexp.models.base import Scorer
from cfexp.models.ensemble import EnsembleScorer, Translation, encoder_of
from cfexp.models.known import KnownPairs
from cfexp.models.origin import Origin
from cfexp.models.predictor import Predictor
from cfexp.training.fit import Fitted, train_and_valid

log = logging.getLogger(__name__)

VALIDATION_FOLDS = 5


@dataclass(frozen=True)
class Member:
    """A trained model of an ensemble.

    Attributes:
        name: Its run id, folder or name.
        model: Name of its family.
        encoder: The encoder of its inputs.
        scorer: The model.
        val_predicted: Its predictions of the validation rows, before any refit.
        known: The pairs that it knows; None if it was not loaded from a run.
    """

    name: str
    model: str
    encoder: FeatureEncoder
    scorer: Scorer
    val_predicted: FloatArray
    known: KnownPairs | None = None


def load_member(
    name: str, predictor: Predictor, valid: Path, ratings: Ratings, split: Split
) -> Member:
    """Reads a run's model and its validation predictions.

    Args:
        name: The run's id or folder.
        predictor: Its model.
        valid: Its ``valid_predictions.parquet``.
        ratings: The dataset that it must have been trained with.
        split: The split that it must have been trained with.

    Raises:
        DataError: It was trained with other data or another split, or on validation
            rows.
    """
    origin, found = predictor.origin, pd.read_parquet(valid)
    _check_member(name, origin, len(found), ratings, split)
    return Member(
        name=name,
        model=origin.model,
        encoder=predictor.encoder,
        scorer=predictor.scorer,
        val_predicted=found["predicted"].to_numpy(np.float64),
        known=predictor.trained_on.known,
    )


def _check_member(
    name: str, origin: Origin, n_valid: int, ratings: Ratings, split: Split
) -> None:
    """Checks that a run was trained with the same data and split, on train rows.

    Raises:
        DataError: It was not.
    """
    if (
        origin.data_fingerprint != ratings.fingerprint
        or origin.split_fingerprint != split.fingerprint
    ):
        raise DataError(
            f"model.runs: {name} ({origin.model} on {origin.dataset}) was trained with"
            " other data or another split, so that it may know these test rows. Give"
            " runs with the same dataset, split and seed."
        )
    if n_valid != len(split.valid):
        raise DataError(
            f"model.runs: {name} ({origin.model}) has {n_valid:,} predictions for"
            f" {len(split.valid):,} validation rows, because it was trained on the"
            " others: its weight cannot be fitted. Leave it out"
        )


def stack(
    members: Sequence[Member], ratings: Ratings, split: Split, *, seed: int
) -> Fitted:
    """Returns an ensemble, with weights fitted to the validation rows.

    Its validation error is that of 5-fold cross-validation of the weights; the members
    never saw the validation rows.

    Args:
        members: Models trained with this data and split.
        ratings: The dataset.
        split: Its split.
        seed: Seed of the cross-validation.
    """
    predicted = np.column_stack([m.val_predicted for m in members])
    rating = ratings.frame[RATING].to_numpy(np.float64)[split.valid]
    regression = LinearRegression(positive=True).fit(predicted, rating)
    weights = [float(w) for w in regression.coef_]
    _log_weights(members, weights, rating)
    rows = train_and_valid(split)
    encoders = [m.encoder for m in members]
    encoder = encoder_of(FeatureEncoder.fit(ratings, rows), encoders)
    scorer = EnsembleScorer(
        members=[m.scorer for m in members],
        translations=[
            Translation.between(encoder, own, n) for n, own in enumerate(encoders)
        ],
        weights=weights,
        intercept=float(regression.intercept_),
        scale=ratings.scale,
    )
    held_out = _held_out(predicted, rating, seed).clip(*ratings.scale)
    return Fitted(
        scorer=scorer,
        encoder=encoder,
        rows=rows,
        val_predicted=held_out,
        val_rmse=rmse(rating, held_out),
        val_mae=mae(rating, held_out),
    )


def _log_weights(
    members: Sequence[Member], weights: Sequence[float], rating: FloatArray
) -> None:
    for member, weight in zip(members, weights, strict=True):
        log.info(
            "member %-8s %s: validation RMSE %.4f, weight %.3f",
            member.model,
            member.name,
            rmse(rating, member.val_predicted),
            weight,
        )


def _held_out(predicted: FloatArray, rating: FloatArray, seed: int) -> FloatArray:
    folds = KFold(min(VALIDATION_FOLDS, len(rating)), shuffle=True, random_state=seed)
    model = LinearRegression(positive=True)
    return cross_val_predict(model, predicted, rating, cv=folds)
