"""Logs a trained model so that MLflow can serve it where cfexp is not installed."""

from pathlib import Path

import mlflow
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.models.model import ModelInfo
from mlflow.types.schema import ColSpec, DataType, Schema
from pandas.api.types import is_integer_dtype

from cfexp.models.travelling import CODE
from cfexp.runtime.provenance import versions

MODEL_NAME = "model"
SERVING_PACKAGES = (
    *("mlflow", "tensorflow", "keras", "pandas", "numpy"),
    *("lazy-loader", "pydantic"),
)


def log_predictor(folder: Path, *, example: pd.DataFrame) -> ModelInfo:
    """Logs a saved predictor as a model of the active MLflow run.

    Args:
        folder: A folder written by `Predictor.save`.
        example: A few rows of input.
    """
    own = sorted((folder / CODE).glob("*"))  # what its layers are defined in
    return mlflow.pyfunc.log_model(
        name=MODEL_NAME,
        loader_module="cfexp.models.serving",
        data_path=str(folder),
        # So that the model can be loaded where cfexp is not installed.
        code_paths=[str(path) for path in (Path(__file__).parents[1], *own)],
        # Else MLflow would import the model in another process to infer them.
        pip_requirements=requirements(),
        signature=signature(example),
        input_example=example,
    )


def register(run_id: str, name: str) -> str:
    """Registers the model of a run, unless it is registered, and returns its version.

    Args:
        run_id: The run, whose model is logged.
        name: Name of the registered model, which is created if it does not exist.
    """
    known = mlflow.MlflowClient().search_model_versions(f"run_id = '{run_id}'")
    same = [version for version in known if version.name == name]
    if same:
        return str(same[0].version)
    return str(mlflow.register_model(f"runs:/{run_id}/{MODEL_NAME}", name).version)


def signature(example: pd.DataFrame) -> ModelSignature:
    """Returns the signature of a model that takes rows like `example`."""
    columns = [
        ColSpec(
            DataType.long if is_integer_dtype(example[name]) else DataType.string,
            name,
            required=name != "genres",
        )
        for name in example.columns
    ]
    return ModelSignature(Schema(columns), Schema([ColSpec(DataType.double, "rating")]))


def requirements() -> list[str]:
    """Returns the pip requirements for serving a logged model."""
    found = versions()
    return [f"{name}=={found[name]}" for name in SERVING_PACKAGES]
