"""Finds the run that ``latest`` or ``best`` refers to."""

import logging
from collections.abc import Sequence

import mlflow
from mlflow.entities import Run

from cfexp.errors import TrackingError, first_line
from cfexp.tracking.references import run_id_of
from cfexp.tracking.settings import Choice, Tracking
from cfexp.tracking.tags import DATA_SHA256, KIND, MODEL, SPLIT_SHA256

log = logging.getLogger(__name__)

FINISHED = f"attributes.status = 'FINISHED' and tags.`{KIND}` = 'train'"
MAX_RUNS = 10_000
# References that are searched for in an experiment.
CHOSEN = ("latest", "best")


def find_id(
    reference: str, experiment_id: str, tracking: Tracking, *, choice: Choice
) -> str:
    """Returns the id of a run; logs which one ``latest`` or ``best`` is.

    Args:
        reference: ``latest``, ``best``, or what `run_id_of` takes.
        experiment_id: The MLflow experiment to search.
        tracking: Where it is, for messages.
        choice: The criteria of ``best``.

    Raises:
        TrackingError: There is no such run, or the candidates for ``best`` are of
            several datasets or splits, whose errors cannot be compared.
    """
    if reference not in CHOSEN:
        return run_id_of(reference)
    try:
        runs = mlflow.search_runs(
            [experiment_id],
            filter_string=FINISHED,
            order_by=["attributes.start_time DESC"],
            max_results=1 if reference == "latest" else MAX_RUNS,
            output_format="list",
        )
    except mlflow.MlflowException as error:
        raise TrackingError(f"run_id={reference}: {first_line(error)}") from error
    where = f"experiment {tracking.experiment!r} of {tracking.uri}"
    if reference == "best":
        run = best_run(runs, choice, where)
    elif runs:
        run = runs[0]
    else:
        raise TrackingError(
            f"run_id={reference}: there is no finished training in {where}. Train a"
            " model first, or set tracking.experiment and tracking.uri to those of the"
            " run"
        )
    log.info("run_id=%s is %s", reference, described(run))
    return str(run.info.run_id)


def best_run(runs: Sequence[Run], choice: Choice, where: str) -> Run:
    """Returns the best run by a validation metric, on one dataset and split.

    Args:
        runs: Finished trainings, the newest first.
        choice: The criteria of ``best``.
        where: The experiment, for messages.

    Raises:
        TrackingError: No run meets the criteria, or those that do are of several
            datasets or splits.
    """
    # A model that knew its validation rows has no such metric.
    by = choice.by
    with_metric = [r for r in runs if by.name in r.data.metrics]
    found = [
        run
        for run in with_metric
        if choice.required.items() <= {**run.data.params, **run.data.tags}.items()
    ]
    groups = {_group(run): run for run in reversed(found)}
    if len(groups) == 1:
        return min(found, key=lambda r: by.cost(r.data.metrics[by.name]))
    every = {_group(run): run for run in reversed(with_metric)}
    listed = "; ".join(sorted({_data(run) for run in (groups or every).values()})[:5])
    if not found:
        named = "with this dataset and split " if choice.required else ""
        others = f" It has runs on: {listed}." if listed else ""
        raise TrackingError(
            f"run_id=best: there is no finished training {named}with the metric"
            f" {by.name} in {where}.{others} Train a model first, or give a run"
            " id"
        )
    raise TrackingError(
        f"run_id=best: the runs in {where} are of {len(groups)} datasets or splits,"
        f" whose errors cannot be compared: {listed}. Name one, dataset=NAME split=NAME"
        " seed=N with its options, or give a run id"
    )


def described(run: Run) -> str:
    """Returns a run's id, name, model, data and validation error as text."""
    name = run.info.run_name
    error = run.data.metrics.get("val_rmse")
    validated = "" if error is None else f", validation RMSE {error:.4f}"
    model = run.data.tags.get(MODEL, "a model")
    return f"run {run.info.run_id} ({name}): {model} on {_data(run)}{validated}"


def _group(run: Run) -> tuple[str | None, str | None]:
    tags = run.data.tags
    return tags.get(DATA_SHA256), tags.get(SPLIT_SHA256)


def _data(run: Run) -> str:
    """Returns a run's dataset and split as text."""
    params, tags = run.data.params, run.data.tags
    options = [
        f"{key.removeprefix('split.')}={params[key]}"
        for key in (*sorted(k for k in params if k.startswith("split.")), "seed")
        if key in params
    ]
    data = f"{tags.get('cfexp.dataset')} (data {tags.get('cfexp.data_sha256', '')[:8]})"
    return f"{data} {tags.get('cfexp.split')} {' '.join(options)}"
