"""Uses trained models: evaluate, predict, recommend."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cfexp import report
from cfexp.data.checks import require_once
from cfexp.data.ids import as_ids, equal_to
from cfexp.data.ratings import GENRES, ITEM, USER, IntArray, Ratings
from cfexp.data.tables import read_table
from cfexp.errors import ConfigError, DataError
from cfexp.evaluate import Comparison
from cfexp.fitting import Seen, evaluate_fitted, times_seen
from cfexp.overlap import unknown_rows
from cfexp.predictor import Predictor
from cfexp.results import write_metrics
from cfexp.split import Split

log = logging.getLogger(__name__)

PREDICTED = "predicted"


def check_output(output: Path, *, overwrite: bool, read: Sequence[Path]) -> None:
    """Checks that a file can be written without loss.

    Args:
        output: The file.
        overwrite: Whether it may be there already.
        read: Files that are read, which must stay.

    Raises:
        ConfigError: It is there, or is one of those.
    """
    if output.is_dir():
        raise ConfigError(f"output={output} is a folder. Name a file in it")
    if not output.exists():
        return
    for path in read:
        if path.exists() and path.samefile(output):
            raise ConfigError(
                f"output={output} is the file that is read, and would be lost. Name"
                " another file"
            )
    if not overwrite:
        raise ConfigError(
            f"output={output} is there already. Name another file, or write over it"
            " with overwrite=true"
        )


def predict(predictor: Predictor, *, pairs: str, output: Path) -> None:
    """Predicts the pairs of a file and writes them with a column ``predicted``.

    Args:
        predictor: The trained model.
        pairs: Path of a CSV or Parquet file with ``userId``, ``movieId`` and, for new
            movies, ``genres``.
        output: The CSV or Parquet file to write.

    Raises:
        DataError: The file cannot be read or lacks a column.
    """
    frame = read_table(pairs, option="pairs", texts=(USER, ITEM))
    columns = list(map(str, frame.columns))
    require_once(f"pairs={pairs}", columns, columns)
    predicted = predictor.predict(frame)
    ids = {name: as_ids(frame[name]) for name in (USER, ITEM)}
    frame = frame.assign(**ids, **{PREDICTED: predicted})
    output.parent.mkdir(parents=True, exist_ok=True)
    if output.suffix == ".parquet":
        frame.to_parquet(output, index=False)
    else:
        frame.to_csv(output, index=False)
    asked = (USER, ITEM, PREDICTED)
    report.print_frame(
        f"{len(frame):,} predictions in {output}",
        frame.head(10),
        spare=[str(c) for c in reversed(frame.columns) if c not in asked],
    )


def recommend(
    predictor: Predictor, ratings: Ratings, *, user: str, k: int, output: Path
) -> None:
    """Prints and writes the movies a user has not rated that they would rate highest.

    Args:
        predictor: The trained model.
        ratings: The dataset, which says what the user has rated.
        user: The user's id.
        k: Number of movies.
        output: The CSV file to write.

    Raises:
        DataError: The user has no rating in the dataset.
    """
    rated = ratings.frame[equal_to(ratings.frame[USER], user)]
    if rated.empty:
        examples = ", ".join(map(str, ratings.frame[USER].unique()[:5]))
        raise DataError(
            f"user={user} has no ratings in {ratings.name}. Its users are such as"
            f" {examples}."
        )
    top = predictor.recommend(user, k=k, seen=rated[ITEM])
    output.parent.mkdir(parents=True, exist_ok=True)
    top.to_csv(output, index=False)
    report.print_frame(
        f"top {len(top)} unseen movies for user {user} ({len(rated)} rated), by"
        f" {predictor.origin.model}",
        top,
        digits=2,
        spare=[GENRES],
    )


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
        trained_on.test_baselines(ratings, rows, tested.seen),
        f"Baselines were fitted to {trained_on.rows:,} rows, as the model was.",
    )
    name = f"{predictor.origin.model} on {ratings.name}"
    report.print_evaluation(name, comparison)
    metrics = comparison.metrics("test") | {"known_rows": float(evaluated.known)}
    report.warn_of_skill(metrics)
    folder = output / "results"
    write_metrics(folder, metrics)
    return metrics
