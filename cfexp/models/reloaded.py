"""Whether a saved model predicts what the trained one did."""

import logging
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

log = logging.getLogger(__name__)

RELOAD_TOLERANCE = 1e-4  # stars


def max_difference(
    predicted: npt.NDArray[np.float64], reloaded: Any, sample: pd.DataFrame
) -> float:
    """Returns the largest difference between a model's and its reloaded copy's ratings.

    In stars, or of scores; one above `RELOAD_TOLERANCE` is logged as a warning.

    Args:
        predicted: The ratings that the model predicted for the sample, shape ``(n,)``.
        reloaded: The copy: a `Predictor`, or an MLflow model.
        sample: The pairs to predict.
    """
    found = reloaded.predict(sample)
    if isinstance(found, pd.DataFrame):
        found = found.iloc[:, 0]
    again = np.asarray(found, np.float64).reshape(-1)
    difference = float(np.abs(predicted - again).max())
    if difference > RELOAD_TOLERANCE:
        log.warning("the saved model's predictions differ by up to %g", difference)
    return difference
