"""``mode=predict``: predicts the pairs of a file with a trained model."""

import logging
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from cfexp.data.checks import require_once
from cfexp.data.ids import as_ids, positions
from cfexp.data.ratings import ITEM, USER
from cfexp.data.tables import read_table
from cfexp.evaluation.intervals import STD
from cfexp.models.predictor import Predictor
from cfexp.runs.output import output_of, write_output
from cfexp.runs.task import Task
from cfexp.runtime.console import print_frame, print_lines
from cfexp.runtime.output import near
from cfexp.runtime.result import conclude

log = logging.getLogger(__name__)

PREDICTED = "predicted"


def predict(task: Task) -> None:
    """Predicts the pairs of a file, see `predict_file`.

    Raises:
        CfexpError: The model cannot be found, or the file cannot be used.
    """
    predictor, _ = task.trained_model()
    task.experiment_over(predictor.origin.config)  # checks the overrides
    predict_file(predictor, pairs=str(task.options.pairs), output=output_of(task))


def predict_file(predictor: Predictor, *, pairs: str, output: Path) -> None:
    """Predicts the pairs of a file and writes them with a column ``predicted``.

    And ``std``, the standard deviation of each rating, if the model knows it.

    Args:
        predictor: The trained model.
        pairs: Path of a CSV or Parquet file with ``userId``, ``movieId`` and, for new
            users and movies, columns of the model's features, such as ``genres``.
        output: The CSV or Parquet file to write.

    Raises:
        DataError: The file cannot be read, or lacks a column.
    """
    known = predictor.encoder.features.values()
    texts = [feature.column for feature in known if feature.kind == "text"]
    frame = read_table(pairs, option="pairs", texts=(USER, ITEM, *texts))
    columns = list(map(str, frame.columns))
    require_once(f"pairs={pairs}", columns, columns)
    predicted, std = predictor.predict_with_std(frame)
    ids = {name: as_ids(frame[name]) for name in (USER, ITEM)}
    _tell_unknown(predictor, ids)
    frame = frame.assign(**ids, **{PREDICTED: predicted})
    if std is not None:
        frame = frame.assign(**{STD: std})
    write_output(frame, output)
    shown = (USER, ITEM, PREDICTED, STD)
    print_frame(
        f"{len(frame):,} predictions, the first ones",
        frame.head(10),
        spare=[str(c) for c in reversed(frame.columns) if c not in shown],
    )
    print_lines([("output", near(output))])
    conclude(
        f"{len(frame):,} predictions in {near(output)}",
        {"output": output, "predictions": len(frame)},
    )


def _tell_unknown(predictor: Predictor, ids: Mapping[str, pd.Series]) -> None:
    """Logs which users and movies the model does not know; a mistyped id is one.

    Args:
        predictor: The trained model.
        ids: The users and movies of each row.
    """
    encoder = predictor.encoder
    for name, what, known in (
        (USER, "users", encoder.users),
        (ITEM, "movies", encoder.items),
    ):
        unknown = ids[name][positions(ids[name], known) < 0]
        if len(unknown):
            log.info(
                "%s of %s rows are of %s that the model does not know, such as %s",
                *(f"{len(unknown):,}", f"{len(ids[name]):,}", what, unknown.iloc[0]),
            )
