"""A model's folder that MLflow has written, of which others are copied."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree
from typing import Any

from mlflow.models import Model
from mlflow.pyfunc import DATA, FLAVOR_NAME

from cfexp.runtime.files import link_or_copy

MLMODEL = "MLmodel"
# What MLflow notes of a model besides its id, its run and its size.
NOTED = ("flavors", "signature", "saved_input_example_info", "metadata")


@dataclass(frozen=True)
class Written:
    """A folder that MLflow has written, without the model's own files.

    Attributes:
        files: Contents of the others, by path: code, requirements, the example.
        noted: What ``MLmodel`` says of all models with these files.
        size: Bytes that MLflow counts besides the model's own files.
    """

    files: Mapping[str, bytes]
    noted: Mapping[str, Any]
    size: int

    @classmethod
    def of(cls, folder: Path, model: Model) -> "Written":
        """Returns what MLflow has written into `folder`."""
        data = folder / model.flavors[FLAVOR_NAME][DATA]
        others = [
            file
            for file in folder.rglob("*")
            if file.is_file() and data not in file.parents and file.name != MLMODEL
        ]
        noted = {name: deepcopy(getattr(model, name)) for name in NOTED}
        return cls(
            {file.relative_to(folder).as_posix(): file.read_bytes() for file in others},
            noted,
            model.model_size_bytes - _size(data),
        )

    def write(self, folder: Path, model: Model, data: Path) -> None:
        """Writes the same for another model.

        Args:
            folder: The folder, which is created.
            model: What ``MLmodel`` is to say; completed.
            data: The model's own files.
        """
        for name, value in self.noted.items():
            setattr(model, name, deepcopy(value))
        own = folder / model.flavors[FLAVOR_NAME][DATA]
        copytree(data, own, copy_function=link_or_copy)  # MLflow copies it once more
        for name, content in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        model.model_size_bytes = self.size + _size(data)
        model.save(folder / MLMODEL)


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
