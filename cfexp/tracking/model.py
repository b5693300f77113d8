"""Logs a trained model so that MLflow can serve it where cfexp is not installed."""

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import mlflow
import pandas as pd
from mlflow.entities import LoggedModelStatus
from mlflow.exceptions import MlflowException
from mlflow.models import Model, ModelSignature
from mlflow.models.model import ModelInfo
from mlflow.pyfunc import PyFuncModel
from mlflow.types.schema import ColSpec, DataType, ParamSchema, ParamSpec, Schema
from pandas.api.types import is_float_dtype, is_integer_dtype

from cfexp.data.columns import RATING
from cfexp.models.origin import read_origin
from cfexp.models.serving import PARAMS
from cfexp.models.travelling import CODE
from cfexp.runtime.provenance import versions
from cfexp.tracking.code import LOADER, code_paths
from cfexp.tracking.flavor import Flavor
from cfexp.tracking.tags import MODEL, NOTE

REGISTERED = "Models of cfexp that predict the rating a user would give a movie."
# What MLflow refuses in a model's name.
REFUSED = re.compile("[/:.%\"']")
PARAM_TYPES = {
    str: DataType.string,
    int: DataType.long,
    bool: DataType.boolean,
}
SERVING_PACKAGES = (
    *("mlflow", "tensorflow", "keras", "pandas", "numpy", "scipy"),
    *("lazy-loader", "pydantic"),
)


def model_name(tags: Mapping[str, str]) -> str:
    """Returns the name of a run's logged model: that of its family."""
    return REFUSED.sub("-", tags.get(MODEL, "model"))


def log_predictor(folder: Path, *, name: str, example: pd.DataFrame) -> ModelInfo:
    """Logs a saved predictor as a model of the active MLflow run.

    Args:
        folder: A folder written by `Predictor.save`.
        name: Name of the logged model.
        example: A few rows of input.
    """
    own = sorted((folder / CODE).glob("*"))  # what its layers are defined in
    return Model.log(
        artifact_path=None,
        name=name,
        flavor=Flavor,
        validate_serving_input=False,
        loader_module=LOADER,
        data_path=str(folder),
        # So that the model can be loaded where cfexp is not installed.
        code_paths=[str(path) for path in (*code_paths(), *own)],
        # Else MLflow would import the model in another process to infer them.
        pip_requirements=requirements(),
        signature=signature(example, read_origin(folder).outputs),
        input_example=example,
    )


def reloaded(uri: str) -> PyFuncModel:
    """Returns a logged model of this process.

    MLflow would leave the model's code first in ``sys.path``, of each model again.
    """
    before = sys.path
    try:
        return mlflow.pyfunc.load_model(uri, suppress_warnings=True)
    finally:
        sys.path = before


def uri_of(run_id: str) -> str:
    """Returns the URI of the newest model that a run has logged completely.

    Raises:
        MlflowException: It has logged none.
    """
    client = mlflow.MlflowClient()
    outputs = client.get_run(run_id).outputs.model_outputs
    models = [client.get_logged_model(output.model_id) for output in outputs]
    ready = [m for m in models if m.status == LoggedModelStatus.READY]
    if not ready:
        raise MlflowException(f"run {run_id} has no model")
    newest = max(ready, key=lambda model: model.creation_timestamp)
    return f"runs:/{run_id}/{newest.name}"


def register(run_id: str, name: str, note: str | None = None) -> str:
    """Registers the model of a run, unless it is registered, and returns its version.

    Args:
        run_id: The run, whose model is logged.
        name: Name of the registered model, which is created if it does not exist.
        note: Description of the version; the run's if None.
    """
    client = mlflow.MlflowClient()
    known = client.search_model_versions(f"run_id = '{run_id}'")
    same = [version for version in known if version.name == name]
    if same:
        return str(same[0].version)
    version = str(mlflow.register_model(uri_of(run_id), name).version)
    note = note or client.get_run(run_id).data.tags.get(NOTE)
    client.update_model_version(name, version, description=note)
    if not client.get_registered_model(name).description:
        client.update_registered_model(name, description=REGISTERED)
    return version


def signature(example: pd.DataFrame, outputs: Sequence[str]) -> ModelSignature:
    """Returns the signature of a model that takes rows like `example`.

    No column is required, since what is depends on the task; see `ServedModel`.
    """
    columns = [
        ColSpec(_type(example[name]), name, required=False) for name in example.columns
    ]
    if RATING not in example:
        columns.append(ColSpec(DataType.double, RATING, required=False))
    found = [ColSpec(DataType.double, name) for name in outputs]
    params = [
        ParamSpec(name, PARAM_TYPES[type(value)], value)
        for name, value in PARAMS.items()
    ]
    return ModelSignature(Schema(columns), Schema(found), ParamSchema(params))


def _type(column: pd.Series) -> DataType:
    if is_integer_dtype(column):
        return DataType.long
    return DataType.double if is_float_dtype(column) else DataType.string


def requirements() -> list[str]:
    """Returns the pip requirements for serving a logged model."""
    found = versions()
    return [f"{name}=={found[name]}" for name in SERVING_PACKAGES]
