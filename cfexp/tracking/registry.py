"""The model registry: registering models and setting aliases."""

import mlflow

from cfexp.errors import TrackingError, first_line
from cfexp.tracking.model import register


def champion(name: str, alias: str) -> str | None:
    """Returns the run id behind a registered model's alias; None if it is not set."""
    try:
        version = mlflow.MlflowClient().get_model_version_by_alias(name, alias)
    except mlflow.MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None
        raise TrackingError(f"cannot read {name}: {first_line(error)}") from error
    return str(version.run_id)


def registered(name: str, run_id: str) -> str:
    """Registers a run's model, unless it is registered, and returns its version.

    Raises:
        TrackingError: MLflow cannot register it.
    """
    try:
        return register(run_id, name)
    except mlflow.MlflowException as error:
        raise TrackingError(
            f"cannot register {name}: {first_line(error)[:300]}"
        ) from error


def set_alias(name: str, alias: str, version: str) -> None:
    """Sets an alias of a registered model to a version."""
    mlflow.MlflowClient().set_registered_model_alias(name, alias, version)
