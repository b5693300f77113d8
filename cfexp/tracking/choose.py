"""Which run ``latest`` and ``best`` are."""

import logging
from collections.abc import Sequence

import mlflow
from mlflow.entities import Run

from cfexp.errors import TrackingError, first_line
from cfexp.tracking.settings import Choice, Tracking
from cfexp.tracking.tags import DATA_SHA256, KIND, MODEL, SPLIT_SHA256

log = logging.getLogger(__name__)

FINISHED = f"attributes.status = 'FINISHED' and tags.`{KIND}` = 'train'"
MOST_RUNS = 10_000

# References that an experiment is searched for.
CHOSEN = ("latest", "best")


def find_id(
    reference: str, experiment_id: str, tracking: Tracking, *, choice: Choice
) -> str:
    """Returns the run id of ``latest`` or ``best``, and any other as it is.

    Says which run that is.

    Raises:
        TrackingError: There is no such run, or ``best`` is of several datasets or
            splits, whose errors cannot be compared.
    """
    if reference not in CHOSEN:
        return reference
    try:
        runs = mlflow.search_runs(
            [experiment_id],
            filter_string=FINISHED,
            order_by=["attributes.start_time DESC"],
            max_results=1 if reference == "latest" else MOST_RUNS,
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
            " model first, or set tracking.experiment and tracking.uri to where it is"
        )
    log.info("run_id=%s is %s", reference, told(run))
    return str(run.info.run_id)


def best_run(runs: Sequence[Run], choice: Choice, where: str) -> Run:
    """Returns the run with the lowest validation error, within one data and split.

    Args:
        runs: Finished trainings, the newest first.
        choice: What ``best`` is.
        where: Where they are, for messages.

    Raises:
        TrackingError: None is as asked for, or they are of several datasets or splits.
    """
    # A model that knew its validation rows has no such metric.
    with_metric = [r for r in runs if choice.metric in r.data.metrics]
    found = [
        run
        for run in with_metric
        if choice.asked.items() <= {**run.data.params, **run.data.tags}.items()
    ]
    groups = {_group(run): run for run in reversed(found)}
    if len(groups) == 1:
        return min(found, key=lambda r: r.data.metrics[choice.metric])
    there = {_group(run): run for run in reversed(with_metric)}
    listed = "; ".join(sorted({_data(run) for run in (groups or there).values()})[:5])
    if not found:
        named = "with this dataset and split " if choice.asked else ""
        has = f" There are: {listed}." if listed else ""
        raise TrackingError(
            f"run_id=best: there is no finished training {named}with the metric"
            f" {choice.metric} in {where}.{has} Train a model first, or give a run id"
        )
    raise TrackingError(
        f"run_id=best: the runs in {where} are of {len(groups)} datasets or splits,"
        f" whose errors cannot be compared: {listed}. Name one, dataset=NAME split=NAME"
        " seed=N with its options, or give a run id"
    )


def told(run: Run) -> str:
    """Returns which run it is, in a few words."""
    name = run.info.run_name
    error = run.data.metrics.get("val_rmse")
    validated = "" if error is None else f", validation RMSE {error:.4f}"
    model = run.data.tags.get(MODEL, "a model")
    return f"run {run.info.run_id} ({name}): {model} on {_data(run)}{validated}"


def _group(run: Run) -> tuple[str | None, str | None]:
    tags = run.data.tags
    return tags.get(DATA_SHA256), tags.get(SPLIT_SHA256)


def _data(run: Run) -> str:
    """Returns which dataset and split it is, in a few words."""
    params, tags = run.data.params, run.data.tags
    options = [
        f"{key.removeprefix('split.')}={params[key]}"
        for key in (*sorted(k for k in params if k.startswith("split.")), "seed")
        if key in params
    ]
    data = f"{tags.get('cfexp.dataset')} (data {tags.get('cfexp.data_sha256', '')[:8]})"
    return f"{data} {tags.get('cfexp.split')} {' '.join(options)}"
