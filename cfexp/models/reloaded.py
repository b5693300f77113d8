"""Whether a saved model predicts what the trained one did."""

import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cfexp.models.base import Scorer
from cfexp.runtime.memo import Memo

if TYPE_CHECKING:
    from cfexp.models.signature import Signature

log = logging.getLogger(__name__)

RELOAD_TOLERANCE = 1e-4  # stars


# By architecture; a process that only runs jobs of a sweep loads few models.
_differences = Memo(keep=16)


def max_difference(
    predicted: npt.NDArray[np.float64],
    load: Callable[[], Any],
    sample: pd.DataFrame,
    *,
    stored: "Signature | None" = None,
) -> float:
    """Returns the largest difference between a model's and its reloaded copy's ratings.

    In stars, or of scores; one above `RELOAD_TOLERANCE` is logged as a warning.

    Args:
        predicted: The ratings that the model predicted for the sample, shape ``(n,)``.
        load: Loads the copy: a `Predictor`, or an MLflow model.
        sample: The pairs to predict.
        stored: The architecture, if the stored weights are known to be the model's; the
            copy is then loaded for the first such model of the process only. None:
            always.
    """

    def measured() -> float:
        return _difference(predicted, load().predict(sample))

    found = _differences(stored, measured) if stored else measured()
    if found > RELOAD_TOLERANCE:
        log.warning("the saved model's predictions differ by up to %g", found)
    return found


def _difference(predicted: npt.NDArray[np.float64], found: Any) -> float:
    if isinstance(found, pd.DataFrame):
        found = found.iloc[:, 0]
    again = np.asarray(found, np.float64).reshape(-1)
    return float(np.abs(predicted - again).max())


def stored_architecture(scorer: Scorer, folder: Path) -> "Signature | None":
    """Returns the architecture of a saved network, if its file holds its weights.

    See `cfexp.models.stored.architecture_of`; None for models that are no networks.
    """
    if "keras" not in sys.modules:
        return None
    from cfexp.models.stored import architecture_of

    return architecture_of(scorer, folder)
