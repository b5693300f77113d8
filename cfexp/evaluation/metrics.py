"""Errors of predictions over all rows."""

import numpy as np
import numpy.typing as npt

from cfexp.errors import TrainingError

FloatArray = npt.NDArray[np.float64]


def rmse(rating: npt.ArrayLike, predicted: npt.ArrayLike) -> float:
    """Returns the root mean squared error, in stars.

    Raises:
        TrainingError: A prediction is missing or not a number.
    """
    return float(np.sqrt(np.mean(np.square(_errors(rating, predicted)))))


def mae(rating: npt.ArrayLike, predicted: npt.ArrayLike) -> float:
    """Returns the mean absolute error, in stars.

    Raises:
        TrainingError: A prediction is missing or not a number.
    """
    return float(np.mean(np.abs(_errors(rating, predicted))))


def _errors(rating: npt.ArrayLike | None, predicted: npt.ArrayLike) -> FloatArray:
    truth, guess = np.asarray(rating, np.float64), np.asarray(predicted, np.float64)
    if truth.shape != guess.shape:
        raise TrainingError(
            f"{guess.size} predictions for {truth.size} ratings: every row must be"
            " predicted once. Check the model's output shape, (batch, 1)."
        )
    bad = ~np.isfinite(guess)
    if bad.any():
        raise TrainingError(
            f"{int(bad.sum())} of {guess.size} predictions are not numbers, the first"
            f" in row {int(np.flatnonzero(bad)[0])}. The model has diverged: lower"
            " optimizer.learning_rate."
        )
    return guess - truth
