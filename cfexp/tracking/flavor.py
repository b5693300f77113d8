"""How a model's folder is written: the first by MLflow, later ones by its files."""

from pathlib import Path
from typing import Any

import mlflow
from mlflow.models import Model

from cfexp.tracking.written import Written

_written: dict[str, Written] = {}  # of the last kind


class Flavor:
    """MLflow's flavor ``pyfunc``, without loading the model to serve the example.

    The model is loaded and compared with the trained one anyway. For each model MLflow
    reads the metadata of all required packages again, which takes half of the time;
    here, models that differ in their own files only get the other ones of the first.
    """

    @staticmethod
    def save_model(
        path: str,
        mlflow_model: Model,
        *,
        validate_serving_input: bool,
        data_path: str,
        **given: Any,
    ) -> None:
        """Writes the model's folder; `Model.log` reads `validate_serving_input`.

        Args:
            path: The folder, which is created.
            mlflow_model: What is said of the model; completed.
            validate_serving_input: False.
            data_path: The model's own files.
            given: Further arguments of `mlflow.pyfunc.save_model`.
        """
        key = _key(Path(data_path).name, **given)
        if known := _written.get(key):
            known.write(Path(path), mlflow_model, Path(data_path))
            return
        mlflow.pyfunc.save_model(
            path=path, mlflow_model=mlflow_model, data_path=data_path, **given
        )
        _written.clear()
        _written[key] = Written.of(Path(path), mlflow_model)


def _key(name: str, **given: Any) -> str:
    """Returns everything that a model's folder depends on but the model's own files."""
    example, signature = given.pop("input_example"), given.pop("signature")
    table = (example.to_json(orient="split"), str(example.dtypes.to_dict()))
    return repr((name, table, signature.to_dict(), sorted(given.items())))
