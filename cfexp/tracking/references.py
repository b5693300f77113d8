"""Finds the run that a short id, a name, a folder or a registered model refers to."""

import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import mlflow
from mlflow.entities import Run

from cfexp.errors import TrackingError, did_you_mean, first_line
from cfexp.tracking.tags import DATASET, FOLDER, KIND

WHOLE = re.compile(r"[0-9a-f]{32}")
SHORTEST = 4  # characters of a run id
START = re.compile(rf"[0-9a-f]{{{SHORTEST},31}}")
REGISTERED = "models:/"
LISTED = 5
RECENT = 200


def run_id_of(reference: str) -> str:
    """Returns the id of the run that is meant, in any experiment.

    Args:
        reference: A run id, its first characters, the run's name or folder, or
            ``models:/name/version``.

    Raises:
        TrackingError: There is no such run, or there are several.
    """
    if WHOLE.fullmatch(reference):
        return reference
    if reference.startswith(REGISTERED):
        return _registered(reference)
    found = _found(reference)
    # Many a run is named as the one that it tests or reproduces.
    found = [run for run in found if is_trained(run)] or found
    if len(found) == 1:
        return str(found[0].info.run_id)
    if found:
        raise TrackingError(
            f"{reference} is the name or the beginning of the id of {len(found)} runs:"
            f" {_listed(found)}. Give more of the id"
        )
    raise unknown_run(reference)


def is_trained(run: Run) -> bool:
    """Returns whether a run is a finished training."""
    return run.info.status == "FINISHED" and run.data.tags.get(KIND) == "train"


def quoted(text: str) -> str | None:
    """Returns a text in quotes for MLflow's filters; None if it holds both kinds."""
    if "'" in text and '"' in text:
        return None
    return f'"{text}"' if "'" in text else f"'{text}'"


def everywhere() -> list[str]:
    """Returns the ids of all experiments."""
    return [one.experiment_id for one in mlflow.search_experiments()]


def short_id(run: Run) -> str:
    """Returns the first characters of a run's id, as tables show it."""
    return str(run.info.run_id)[:8]


def _found(reference: str) -> list[Run]:
    """Returns the runs of a folder, or that an id's beginning or a name fits."""
    text = quoted(reference)
    if Path(reference).expanduser().is_dir():
        text = quoted(str(Path(reference).expanduser().absolute()))
        return _search(f"tags.`{FOLDER}` = {text}") if text else []
    if START.fullmatch(reference):
        found = _search(f"attributes.run_id LIKE '{reference}%'")
        if found:
            return found
    return _search(f"attributes.run_name = {text}") if text else []


def _search(where: str) -> list[Run]:
    client = mlflow.MlflowClient()
    return list(client.search_runs(everywhere(), where, max_results=RECENT))


def _registered(reference: str) -> str:
    client = mlflow.MlflowClient()
    name, at, alias = reference.removeprefix(REGISTERED).rpartition("@")
    try:
        if at:
            return str(client.get_model_version_by_alias(name, alias).run_id)
        name, _, version = reference.removeprefix(REGISTERED).rpartition("/")
        return str(client.get_model_version(name, version).run_id)
    except mlflow.MlflowException as error:
        raise TrackingError(
            f"there is no registered model {reference} in"
            f" {mlflow.get_tracking_uri()}: {first_line(error)[:200]}"
        ) from error


def _listed(runs: Sequence[Run]) -> str:
    shown = [
        f"{short_id(run)} {run.info.run_name} on"
        f" {run.data.tags.get(DATASET, 'no dataset')} of"
        f" {datetime.fromtimestamp(run.info.start_time / 1000):%Y-%m-%d %H:%M}"
        for run in runs[:LISTED]
    ]
    return "; ".join([*shown, "..."] if len(runs) > LISTED else shown)


def unknown_run(reference: str) -> TrackingError:
    """Returns the error that there is no such run, with what may be meant."""
    recent = mlflow.MlflowClient().search_runs(everywhere(), max_results=RECENT)
    known = [run.info.run_id for run in recent]
    known += [run.info.run_name for run in recent if run.info.run_name]
    advice = "cfexp runs lists them"
    if re.fullmatch(rf"[0-9a-f]{{1,{SHORTEST - 1}}}", reference):
        advice = f"Give at least {SHORTEST} characters of an id; cfexp runs lists them"
    return TrackingError(
        f"there is no run {reference} in"
        f" {mlflow.get_tracking_uri()}{did_you_mean(reference, dict.fromkeys(known))}."
        f" {advice}"
    )
