"""Uses trained models: evaluate, predict, recommend."""

import logging
from pathlib import Path

import numpy as np

from cfexp import report
from cfexp.data.ids import as_ids, equal_to
from cfexp.data.ratings import GENRES, ITEM, USER, Ratings
from cfexp.data.tables import read_table
from cfexp.errors import DataError
from cfexp.evaluate import evaluate
from cfexp.fitting import encode
from cfexp.predictor import Predictor
from cfexp.results import write_metrics
from cfexp.split import Split

log = logging.getLogger(__name__)

PREDICTED = "predicted"


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


def evaluate_saved(
    predictor: Predictor, ratings: Ratings, split: Split, *, output: Path
) -> dict[str, float]:
    """Evaluates a trained model, prints its errors and writes them to ``results/``.

    On the data and split that it was trained with, the test rows are evaluated; on
    other data all rows are.

    Returns:
        The metrics.

    Raises:
        DataError: It is the data it was trained with, but another split, whose test
            rows it may have been trained on.
    """
    same_data = ratings.fingerprint == predictor.origin.data_fingerprint
    rows = np.arange(len(ratings.frame))
    if same_data:
        if split.fingerprint != predictor.origin.split_fingerprint:
            raise DataError(
                "this model was trained with another split of the same data, so that it"
                " may know these test rows. Leave split and seed as they were, or train"
                " a model for this split."
            )
        rows = split.test
        log.info("the data it was trained with: evaluating the test rows")
    else:
        log.info("other data than it was trained with: evaluating all rows")
    encoded = encode(ratings, predictor.encoder, rows)
    evaluation = evaluate(
        encoded,
        predictor.scorer.predict(encoded),
        seen=predictor.encoder.times_seen(encoded),
    )
    report.print_evaluation(
        f"{predictor.origin.model} on {ratings.name}", evaluation, {}
    )
    metrics = evaluation.metrics("test")
    folder = output / "results"
    folder.mkdir(parents=True, exist_ok=True)
    write_metrics(folder, metrics)
    return metrics
