"""Fits models on one split and measures errors and seconds."""

import importlib
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

import pandas as pd

from cfexp.benchmark.peers import Peer
from cfexp.data.ratings import RATING, Ratings
from cfexp.data.split import Split
from cfexp.evaluation.metrics import mae, rmse
from cfexp.experiment import Experiment
from cfexp.models.base import NeuralModel, SampledModel
from cfexp.runtime import tensorflow
from cfexp.training.fit import Fitted, fit_model, train_and_valid
from cfexp.training.history import Epoch
from cfexp.training.recipe import Hooks
from cfexp.training.stacking import Member, stack
from cfexp.training.testing import evaluate_fitted

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Measured:
    """Errors and training time of one system on one split.

    Attributes:
        system: Name of the system.
        rmse: RMSE on the test rows, in stars.
        mae: MAE on the test rows, in stars.
        seconds: From ratings in memory to the final model, including early stopping
            and a refit.
        curve: Seconds since the start and validation RMSE then, of a model that was
            fitted to the train rows alone.
        to_svd: Seconds until the validation RMSE of Surprise's SVD was reached; None if
            it was not.
    """

    system: str
    rmse: float
    mae: float
    seconds: float
    curve: tuple[tuple[float, float], ...]
    to_svd: float | None = None


def measure_fold(
    experiments: Mapping[str, Experiment],
    peers: Mapping[str, Peer],
    ratings: Ratings,
    *,
    ensemble: bool,
) -> list[Measured]:
    """Fits and tests all systems on one split, one after the other.

    Args:
        experiments: The experiments by name, all with the same split and seed.
        peers: Models of other libraries.
        ratings: The dataset.
        ensemble: Also test an ensemble of the experiments' models.
    """
    first = next(iter(experiments.values()))
    split, seed = first.load(ratings).split, first.seed
    found: list[Measured] = []
    members: list[Member] = []
    for name, experiment in experiments.items():
        log.info("%s", name)
        measured, fitted = measure_model(name, experiment, ratings, split)
        found.append(measured)
        members.append(
            Member(name, name, fitted.encoder, fitted.scorer, fitted.val_predicted)
        )
    if ensemble:
        started = time.perf_counter()
        fitted = stack(members, ratings, split, seed=seed)
        spent = sum(one.seconds for one in found) + time.perf_counter() - started
        found.append(_tested("ensemble", fitted, ratings, split, spent, []))
    for name, peer in peers.items():
        log.info("%s", name)
        found.append(measure_peer(name, peer, ratings, split, seed=seed))
    return found


def measure_model(
    name: str, experiment: Experiment, ratings: Ratings, split: Split
) -> tuple[Measured, Fitted]:
    """Fits and tests one of cfexp's models."""
    if isinstance(experiment.model, NeuralModel | SampledModel):
        tensorflow.start()
    started = time.perf_counter()
    curve = []

    def note(epoch: Epoch) -> None:
        curve.append((time.perf_counter() - started, epoch.val_rmse))

    fitted = fit_model(experiment, ratings, split, hooks=Hooks(on_epoch=note))
    seconds = time.perf_counter() - started
    return _tested(name, fitted, ratings, split, seconds, curve), fitted


def _tested(
    system: str,
    fitted: Fitted,
    ratings: Ratings,
    split: Split,
    seconds: float,
    curve: list[tuple[float, float]],
) -> Measured:
    overall = evaluate_fitted(fitted, ratings, split.test).evaluation.overall
    points = tuple(curve)
    if not points and fitted.val_rmse is not None:
        points = ((seconds, fitted.val_rmse),)
    return Measured(system, overall.rmse, overall.mae, seconds, points)


def measure_peer(
    system: str, peer: Peer, ratings: Ratings, split: Split, *, seed: int
) -> Measured:
    """Fits and tests another library's model.

    It is fitted twice: to the train rows for the validation RMSE, and to train and
    validation rows for the test, since it does not choose anything on the latter.
    """
    for module in peer.modules:
        importlib.import_module(module)
    rows = {"train": split.train, "whole": train_and_valid(split)}
    frames = {name: ratings.frame.iloc[at] for name, at in rows.items()}
    seconds, predict = {}, {}
    for name, frame in frames.items():
        started = time.perf_counter()
        predict[name] = peer.fit(frame, ratings.scale, seed)
        seconds[name] = time.perf_counter() - started
    valid, test = ratings.frame.iloc[split.valid], ratings.frame.iloc[split.test]
    predicted = predict["whole"](test)
    reached = rmse(valid[RATING], predict["train"](valid))
    return Measured(
        system,
        rmse(test[RATING], predicted),
        mae(test[RATING], predicted),
        seconds["whole"],
        ((seconds["train"], reached),),
    )


def with_target(found: list[Measured], target: str) -> list[Measured]:
    """Adds the seconds in which each system reached the validation RMSE of `target`."""
    goals = [one.curve[-1][1] for one in found if one.system == target]
    if not goals:
        return found
    return [
        replace(one, to_svd=next((s for s, e in one.curve if e <= goals[0]), None))
        for one in found
    ]


def summary(folds: pd.DataFrame) -> pd.DataFrame:
    """Returns means over folds, the lowest RMSE first.

    Args:
        folds: Columns ``fold`` and those of `Measured`, one row for each measurement.
    """
    first = folds[folds["fold"] == folds["fold"].iloc[0]].set_index("system")
    # A system that missed the target on one fold gets no mean over the others.
    numbers = folds.astype({"to_svd": "float64"})  # a column of None is of objects
    means = numbers.groupby("system")[["rmse", "mae", "seconds", "to_svd"]].agg(
        lambda values: values.mean(skipna=False)
    )
    table = means.assign(first_fold=first["rmse"]).sort_values("rmse").reset_index()
    return table[["system", "rmse", "mae", "first_fold", "seconds", "to_svd"]]
