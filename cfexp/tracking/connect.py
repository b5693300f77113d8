"""Connects MLflow to a tracking server or database."""

import logging
import os
from collections.abc import Mapping
from typing import Any

import mlflow
from mlflow.entities import Experiment
from mlflow.exceptions import MlflowException

from cfexp.errors import NoRunsError, TrackingError, did_you_mean, first_line
from cfexp.tracking.database import create_database
from cfexp.tracking.login import split_login
from cfexp.tracking.preflight import HTTP, LIMIT, check_reachable, in_time
from cfexp.tracking.settings import Tracking

# Makes the MLflow UI show metrics and parameters, not traces of agents.
EXPERIMENT_TAGS = {
    "mlflow.experimentKind": "custom_model_development",
    # The metric that its charts begin with.
    "mlflow.experiment.primaryMetric.name": "test_rmse",
}
# MLflow's own limit is 6,000; the whole configuration is an artifact anyway.
MAX_TEXT = 500
NO_EXPERIMENT = "-1"
_login: dict[str, str] = {}  # the environment variables set by `_without_login`
_last: dict[tuple[str, str], str] = {}  # the experiment that was connected to last


def connect(
    tracking: Tracking, *, existing: bool = False, searched: bool = True
) -> str:
    """Connects MLflow to the tracking server and returns the experiment's id.

    Args:
        tracking: Where to track.
        existing: Do not create a database or an experiment.
        searched: With `existing`, whether the experiment is needed; if not, as to find
            a run by its id, `NO_EXPERIMENT` is returned for one that does not exist.

    Raises:
        TrackingError: The server or file cannot be used, or the experiment is missing.
    """
    check_reachable(tracking.uri, existing=existing)
    _settle_mlflow()
    # Absolute: MLflow identifies a database by its name, even if the folder changes.
    mlflow.set_tracking_uri(_without_login(tracking.absolute_uri))
    try:
        if not existing:
            create_database(tracking.absolute_uri)
        found = _experiment(tracking)
        if found is None and existing:
            if not searched:
                return NO_EXPERIMENT
            raise _no_experiment(tracking)
        if found is None:
            found = _create_experiment(tracking.experiment)
    except TrackingError:
        raise
    except Exception as error:
        raise TrackingError(
            f"cannot use tracking.uri={tracking.uri}: {first_line(error)[:300]}. Start"
            " the server, correct tracking.uri, or set tracking=none."
        ) from error
    _check_not_deleted(found)
    _last.clear()
    _last[tracking.absolute_uri, tracking.experiment] = found.experiment_id
    return found.experiment_id


def connected(tracking: Tracking) -> str:
    """Returns the experiment's id, after `connect`, or as it does.

    The experiment is not looked up twice for a run, once to find an earlier one.
    """
    known = _last.get((tracking.absolute_uri, tracking.experiment))
    if known is None:
        return connect(tracking)
    _settle_mlflow()
    create_database(tracking.absolute_uri)  # if it was removed meanwhile
    return known


def _check_not_deleted(found: Experiment) -> None:
    if found.lifecycle_stage == "deleted":
        raise TrackingError(
            f"the experiment {found.name!r} was deleted. Restore it with"
            f" mlflow experiments restore -x {found.experiment_id}, or choose another"
            " with tracking.experiment=."
        )


def _settle_mlflow() -> None:
    """Sets MLflow's log levels and timeouts."""
    # Errors are raised as exceptions; MLflow would also print them with tracebacks.
    for name, level in (("mlflow", logging.CRITICAL), ("alembic", logging.WARNING)):
        logger = logging.getLogger(name)
        if logger.level != level:  # as all loggers would forget what they log
            logger.setLevel(level)
    # With its defaults, MLflow waits minutes for a server that does not answer.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")


def _without_login(uri: str) -> str:
    """Returns a server's address without the login, which is set in the environment.

    MLflow prints the address and includes it in error messages.
    """
    if not uri.startswith(HTTP):
        return uri
    bare, user, password = split_login(uri)
    for name, value in _login.items():  # remove the login of another server
        if os.environ.get(name) == value:
            del os.environ[name]
    _login.clear()
    if bare != uri:
        _login["MLFLOW_TRACKING_USERNAME"] = user
        _login["MLFLOW_TRACKING_PASSWORD"] = password
        os.environ.update(_login)
    return bare


def _experiment(tracking: Tracking) -> Experiment | None:
    """Returns the experiment; None if it does not exist.

    Raises:
        TrackingError: The server does not answer in time.
    """
    if not tracking.uri.startswith(HTTP):
        return mlflow.get_experiment_by_name(tracking.experiment)
    try:
        return in_time(lambda: mlflow.get_experiment_by_name(tracking.experiment))
    except TimeoutError:
        raise TrackingError(
            f"cannot use tracking.uri={tracking.uri}: the server does not answer within"
            f" {LIMIT:g} seconds. Check the server, or set tracking=none."
        ) from None


def _no_experiment(tracking: Tracking) -> NoRunsError:
    known = [one.name for one in mlflow.search_experiments(max_results=100)]
    return NoRunsError(
        f"there is no experiment {tracking.experiment!r} in"
        f" {tracking.uri}{did_you_mean(tracking.experiment, known)}. Its experiments:"
        f" {', '.join(known[:10])}. Set tracking.experiment to one of them, or train a"
        " model first."
    )


def _create_experiment(name: str) -> Experiment:
    try:
        mlflow.create_experiment(name, tags=EXPERIMENT_TAGS)
    except MlflowException:
        # Another process may have created it meanwhile.
        if mlflow.get_experiment_by_name(name) is None:
            raise
    return mlflow.get_experiment_by_name(name)


def short_params(params: Mapping[str, Any]) -> dict[str, str]:
    """Returns parameters as text; long ones are truncated, ending in ``...``."""
    texts = {key: str(value) for key, value in params.items()}
    return {
        key: text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 3]}..."
        for key, text in texts.items()
    }
