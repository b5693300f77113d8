"""Metrics of a run, computed again from its stored predictions."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from pyarrow import parquet

from cfexp.data.ratings import RATING, USER
from cfexp.errors import DataError, first_line
from cfexp.evaluation.groups import Evaluation, evaluate
from cfexp.evaluation.metric import Metric
from cfexp.tracking.folder import TEST_PREDICTIONS, VALID_PREDICTIONS

PARTS = {"test": TEST_PREDICTIONS, "val": VALID_PREDICTIONS}
# How often training saw each row's user and movie; stored for test rows.
SEEN = {"user": "user_count", "item": "item_count"}
TOLERANCE = 1e-6  # of stars, between a metric and the one that was logged


@dataclass(frozen=True)
class Scored:
    """The metrics of a part of the data.

    Attributes:
        part: ``test`` or ``val``.
        file: The file of predictions that they are computed from.
        evaluation: The errors; without groups where the counts are not stored.
        own: Further metrics by name.
    """

    part: str
    file: Path
    evaluation: Evaluation
    own: Mapping[str, float]

    @property
    def metrics(self) -> dict[str, float]:
        """The metrics, under the names that a run logs them."""
        own = {f"{self.part}_{name}": value for name, value in self.own.items()}
        return self.evaluation.metrics(self.part) | own

    def differing(self, logged: Mapping[str, float]) -> list[str]:
        """Returns the metrics that are not as a run has logged them."""
        return [
            name
            for name, value in self.metrics.items()
            if name in logged and abs(logged[name] - value) > TOLERANCE
        ]


def score(part: str, file: Path, metrics: Mapping[str, Metric]) -> Scored | None:
    """Returns the metrics of stored predictions; None if there are no rows.

    Args:
        part: ``test`` or ``val``.
        file: A run's Parquet file of predictions.
        metrics: Metrics besides RMSE and MAE, by name.

    Raises:
        CfexpError: The file cannot be read, or a metric fails.
    """
    try:
        frame = parquet.read_table(file, use_threads=False).to_pandas()
        rating = frame[RATING].to_numpy(np.float64)
        predicted = frame["predicted"].to_numpy(np.float64)
    except Exception as error:
        raise DataError(
            f"{file} cannot be read: {first_line(error)[:200]}. Train the run again"
        ) from error
    if frame.empty:
        return None
    own = {name: m.value(name, rating, predicted) for name, m in metrics.items()}
    return Scored(part, file, _evaluated(frame, rating, predicted), own)


def _evaluated(
    frame: pd.DataFrame, rating: np.ndarray, predicted: np.ndarray
) -> Evaluation:
    known = set(SEEN.values()) <= set(frame)
    unknown = np.ones(len(frame), np.int64)
    seen = {k: frame[c].to_numpy() if known else unknown for k, c in SEEN.items()}
    found = evaluate(rating, predicted, user=frame[USER], seen=seen)
    return found if known else Evaluation(found.overall, found.user_mean, ())
