"""Fits models on one split and measures errors and seconds."""

import importlib
import logging
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO

import pandas as pd

from cfexp.benchmark.clock import Clock, Point, Spent, seconds_to
from cfexp.benchmark.learning import Learning
from cfexp.benchmark.task import Peer, Task
from cfexp.data.ratings import RATING, Ratings
from cfexp.data.split import Split
from cfexp.evaluation.metrics import FloatArray, mae, rmse
from cfexp.experiment import Experiment
from cfexp.models.base import NeuralModel, SampledModel
from cfexp.runtime import tensorflow
from cfexp.training.fit import Fitted, fit_model, train_and_valid
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
        processor: Seconds of processors in that time.
        curve: The test errors in the fit to all training rows.
    """

    system: str
    rmse: float
    mae: float
    seconds: float
    processor: float
    curve: tuple[Point, ...]


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
        clock = Clock()
        fitted = stack(members, ratings, split, seed=seed)
        each = [Spent(one.seconds, one.processor) for one in found]
        spent = Spent(*map(sum, zip(*each, clock.read(), strict=True)))
        found.append(_tested("ensemble", fitted, ratings, split, spent, ()))
    task = _task(experiments, ratings, split)
    for name, peer in peers.items():
        log.info("%s", name)
        found.append(measure_peer(name, peer, task))
    return found


def _task(
    experiments: Mapping[str, Experiment], ratings: Ratings, split: Split
) -> Task:
    """Returns the peers' task: they take the features of the model that takes most."""
    each = list(experiments.values())
    declared = [one.model.declared(one.features, ratings) for one in each]
    rows = train_and_valid(split)
    return Task(ratings, rows, split.test, max(declared, key=len), each[0].seed)


def measure_model(
    name: str, experiment: Experiment, ratings: Ratings, split: Split
) -> tuple[Measured, Fitted]:
    """Fits and tests one of cfexp's models."""
    model = experiment.model
    sampled = isinstance(model, SampledModel)
    if sampled or isinstance(model, NeuralModel):
        tensorflow.start()
    clock = Clock()
    kept = model.kept if isinstance(model, SampledModel) else frozenset()
    learning = Learning(clock, ratings, split.test, kept)
    # The fit that is tested is the refit, if there is one.
    refits = sampled or experiment.training.refit
    hooks = Hooks(of_refit=learning.hooks) if refits else learning.hooks()
    fitted = fit_model(experiment, ratings, split, hooks=hooks)
    spent = clock.read()
    points = tuple(learning.points)
    return _tested(name, fitted, ratings, split, spent, points), fitted


def _tested(
    system: str,
    fitted: Fitted,
    ratings: Ratings,
    split: Split,
    spent: Spent,
    curve: tuple[Point, ...],
) -> Measured:
    overall = evaluate_fitted(fitted, ratings, split.test).evaluation.overall
    curve = curve or (Point(*spent, overall.rmse),)
    return Measured(system, overall.rmse, overall.mae, *spent, curve)


def measure_peer(system: str, peer: Peer, task: Task) -> Measured:
    """Fits another library's model to train and validation rows, and tests it.

    It chooses nothing on validation rows. One without a callback is fitted again for
    each number of epochs; its errors and time are those of the last one.
    """
    with redirect_stdout(StringIO()):  # LIBMF prints where it is
        for module in peer.modules:
            importlib.import_module(module)
    truth = task.ratings.frame[RATING].to_numpy()[task.test]
    points: list[Point] = []
    for epochs in peer.epochs:
        clock = Clock()

        def note(predict: Callable[[], FloatArray], clock: Clock = clock) -> None:
            now = clock.read()
            with clock.paused():
                points.append(Point(*now, rmse(truth, predict())))

        predict = peer.fit(task, epochs, note)
        spent = clock.read()
        predicted = predict()
        points.append(Point(*spent, rmse(truth, predicted)))
    root, absolute = points[-1].rmse, mae(truth, predicted)
    return Measured(system, root, absolute, *spent, tuple(points))


def summary(folds: pd.DataFrame) -> pd.DataFrame:
    """Returns means over folds, the lowest RMSE first.

    Args:
        folds: Columns ``fold`` and ``system``, and numbers; one row for each
            measurement. A number that is missing on one fold has no mean.
    """
    first = folds[folds["fold"] == folds["fold"].iloc[0]].set_index("system")
    numbers = folds.drop(columns="fold").groupby("system", sort=False)
    table = numbers.agg(lambda values: values.mean(skipna=False))
    if folds["fold"].nunique() > 1:
        table.insert(2, "first_fold", first["rmse"])
    return table.sort_values("rmse").reset_index()


def table_row(one: Measured, goals: list[float], clock: str) -> dict[str, object]:
    """Returns the numbers of a measurement, with the seconds to each RMSE of `goals`.

    Args:
        one: The measurement.
        goals: RMSEs, in stars.
        clock: ``seconds`` or ``processor``.
    """
    numbers = {
        "system": one.system,
        "rmse": one.rmse,
        "mae": one.mae,
        "seconds": one.seconds,
        "processor": one.processor,
    }
    return numbers | {f"to {g:g}": seconds_to(one.curve, g, clock) for g in goals}
