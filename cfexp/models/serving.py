"""The loader that MLflow calls to serve a logged model."""

from pathlib import Path
from typing import Any

import pandas as pd

from cfexp.models.predictor import Predictor


class ServedModel:
    """A predictor behind MLflow's interface."""

    def __init__(self, predictor: Predictor):
        self.predictor = predictor

    def predict(
        self, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Returns ``rating`` and, if known, ``std``, for ``userId`` and ``movieId``."""
        rating, std = self.predictor.predict_with_std(model_input)
        found = pd.DataFrame({"rating": rating}, index=model_input.index)
        return found if std is None else found.assign(std=std)


def _load_pyfunc(path: str) -> ServedModel:
    return ServedModel(Predictor.load(Path(path), named=None))
