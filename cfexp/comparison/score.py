"""Metrics of a run, computed again from its stored predictions."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from pyarrow import parquet

from cfexp.data.ratings import RATING, USER
from cfexp.errors import ConfigError, DataError, first_line
from cfexp.evaluation.groups import Evaluation, evaluate
from cfexp.evaluation.metric import Metric
from cfexp.evaluation.names import FULL, RANKING, RATED_NDCG
from cfexp.evaluation.ranking import NDCG, SCORE, means, rated_ndcg
from cfexp.evaluation.rows import PREDICTED
from cfexp.tracking.folder import TEST_PREDICTIONS, VALID_PREDICTIONS

PARTS = {"test": TEST_PREDICTIONS, "val": VALID_PREDICTIONS}
# How often training saw each row's user and movie; stored for test rows.
SEEN = {"user": "user_count", "item": "item_count"}
TOLERANCE = 1e-6  # of stars, between a metric and the one that was logged


@dataclass(frozen=True)
class RatedOnly:
    """How well each user's rows are ordered, see `rated_ndcg`.

    Attributes:
        ndcg: The mean NDCG over users.
        users: Number of users with at least two rows.
        by: What orders the rows: ``score``, or the ``predicted`` rating, which is cut
            to the scale, if a run did not store scores.
    """

    ndcg: float
    users: int
    by: str

    @classmethod
    def of(cls, frame: pd.DataFrame, rating: np.ndarray, seed: int) -> "RatedOnly":
        """Returns it of stored predictions; `seed` orders equal scores."""
        if not np.ptp(rating):  # any order of implicit data is the best one
            return cls(float("nan"), 0, SCORE)
        by = SCORE if SCORE in frame else PREDICTED
        user = pd.factorize(frame[USER])[0]
        users, ndcg = rated_ndcg(user, rating, frame[by].to_numpy(np.float64), seed)
        return cls(means({NDCG: ndcg})[NDCG], len(users), by)


@dataclass(frozen=True)
class Scored:
    """The metrics of a part of the data.

    Attributes:
        part: ``test`` or ``val``.
        file: The file of predictions that they are computed from.
        evaluation: The errors; without groups where the counts are not stored. None of
            a model that learned to rank, whose scores are no ratings.
        own: Further metrics by name.
        rated: How well each user's rows are ordered.
    """

    part: str
    file: Path
    evaluation: Evaluation | None
    own: Mapping[str, float]
    rated: RatedOnly

    @property
    def metrics(self) -> dict[str, float]:
        """The metrics, under the names that a run logs them."""
        own = {f"{self.part}_{name}": value for name, value in self.own.items()}
        errors = self.evaluation.metrics(self.part) if self.evaluation else {}
        found = errors | own
        if self.rated.users and self.part == "test":
            found[f"{RANKING}{RATED_NDCG}"] = self.rated.ndcg
        return found

    def differing(self, logged: Mapping[str, float]) -> list[str] | None:
        """Returns the metrics that are not as a run has logged them; None: none is."""
        both = [name for name in self.metrics if name in logged]
        if not both:
            return None
        own = self.metrics
        return [name for name in both if abs(logged[name] - own[name]) > TOLERANCE]


def score(
    part: str, file: Path, metrics: Mapping[str, Metric], seed: int = 0
) -> Scored | None:
    """Returns the metrics of stored predictions; None if there are no rows.

    Args:
        part: ``test`` or ``val``.
        file: A run's Parquet file of predictions.
        metrics: Metrics besides RMSE and MAE, by name.
        seed: The run's seed, which orders equal scores.

    Raises:
        CfexpError: The file cannot be read, or a metric fails, or needs ratings where
            the model learned to rank.
    """
    frame = _read(file)
    if frame.empty:
        return None
    rating = frame[RATING].to_numpy(np.float64)
    rated = RatedOnly.of(frame, rating, seed)
    if PREDICTED not in frame:
        if metrics:
            raise ConfigError(
                f"metrics={','.join(metrics)} cannot be computed: the run learned to"
                " rank, and its scores are no ratings. Leave metrics out"
            )
        return Scored(part, file, None, {}, rated)
    predicted = frame[PREDICTED].to_numpy(np.float64)
    own = {name: m.value(name, rating, predicted) for name, m in metrics.items()}
    return Scored(part, file, _evaluated(frame, rating, predicted), own, rated)


def _read(file: Path) -> pd.DataFrame:
    """Returns stored predictions: ratings, or scores of a model that learned to rank.

    Raises:
        DataError: The file cannot be read, or lacks a column.
    """
    try:
        frame = parquet.read_table(file, use_threads=False).to_pandas()
        lacking = [name for name in (USER, RATING) if name not in frame]
        if lacking or not {PREDICTED, SCORE} & set(frame):
            raise KeyError(f"it has no column {', '.join(lacking) or PREDICTED}")
    except Exception as error:
        raise _unreadable(file, error) from error
    return frame


def _unreadable(file: Path, error: Exception) -> DataError:
    why = first_line(error)[:200]
    return DataError(f"{file} cannot be read: {why}. Train the run again")


def full_catalogue(file: Path) -> dict[str, float]:
    """Returns the metrics of the full catalogue, from each user's stored measures.

    Args:
        file: A run's Parquet file of them.

    Raises:
        DataError: The file cannot be read.
    """
    try:
        users = parquet.read_table(file, use_threads=False).to_pandas()
    except Exception as error:
        raise _unreadable(file, error) from error
    columns = [str(name) for name in users if str(name).startswith(FULL)]
    return {f"{RANKING}{name}": float(users[name].mean()) for name in columns}


def _evaluated(
    frame: pd.DataFrame, rating: np.ndarray, predicted: np.ndarray
) -> Evaluation:
    known = set(SEEN.values()) <= set(frame)
    unknown = np.ones(len(frame), np.int64)
    seen = {k: frame[c].to_numpy() if known else unknown for k, c in SEEN.items()}
    found = evaluate(rating, predicted, user=frame[USER], seen=seen)
    return found if known else Evaluation(found.overall, found.user_mean, ())
