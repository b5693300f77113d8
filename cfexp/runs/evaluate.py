"""Evaluates a trained model on data that it does not know."""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cfexp.data.ratings import IntArray, Ratings
from cfexp.data.split import Split
from cfexp.evaluation.comparison import Comparison
from cfexp.evaluation.groups import Seen, times_seen
from cfexp.models.overlap import unknown_rows
from cfexp.models.predictor import Predictor
from cfexp.reports.run_tables import print_evaluation, warn_of_skill
from cfexp.runs.results import write_metrics
from cfexp.training.testing import evaluate_fitted, test_baselines

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Evaluated:
    """Rows that test a trained model.

    Attributes:
        rows: Their positions.
        known: Rows that were left out since the model knows them.
        seen: Training ratings of each row's user and movie; None for other data, where
            those that the model was fitted to are counted.
    """

    rows: IntArray
    known: int
    seen: Seen | None


def rows_to_test(
    predictor: Predictor, ratings: Ratings, split: Split, *, known_rows: str
) -> Evaluated:
    """Returns the rows of a dataset that test a trained model.

    With the data that it was trained with, these are the split's test rows; with other
    data all rows, in either case without those that it knows.

    Args:
        predictor: The trained model.
        ratings: The dataset.
        split: The split that was asked for.
        known_rows: ``error`` where the model knows some of them, or ``drop``.

    Raises:
        DataError: It knows rows that are not to be left out, or all of them.
    """
    same_data = ratings.fingerprint == predictor.origin.data_fingerprint
    if same_data:
        rows = split.test
        log.info("the data it was trained with: evaluating the test rows")
    else:
        rows = np.arange(len(ratings.frame))
        log.info("other data than it was trained with: evaluating all rows")
    known = predictor.trained_on.known
    left = unknown_rows(rows, ratings, known, policy=known_rows)
    seen = times_seen(ratings, left, split.train) if same_data else None
    return Evaluated(left, len(rows) - len(left), seen)


def evaluate_saved(
    predictor: Predictor, ratings: Ratings, evaluated: Evaluated, *, output: Path
) -> dict[str, float]:
    """Evaluates a trained model and the baselines of its own training rows.

    Prints the errors and writes them to ``results/`` of `output`.

    Returns:
        The metrics.
    """
    rows = evaluated.rows
    tested = evaluate_fitted(predictor, ratings, rows, seen=evaluated.seen)
    trained_on = predictor.trained_on
    comparison = Comparison(
        tested.evaluation,
        # The same groups of rows as the model's.
        test_baselines(trained_on.baselines, ratings, rows, tested.seen),
        f"Baselines were fitted to {trained_on.rows:,} rows, as the model was.",
    )
    name = f"{predictor.origin.model} on {ratings.name}"
    print_evaluation(name, comparison)
    metrics = comparison.metrics("test") | {"known_rows": float(evaluated.known)}
    warn_of_skill(metrics)
    folder = output / "results"
    write_metrics(folder, metrics)
    return metrics
