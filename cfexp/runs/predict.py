"""``mode=predict``: predicts the pairs of a file with a trained model."""

import logging
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from cfexp.data.ids import as_ids, did_you_mean_id, positions
from cfexp.data.ratings import ITEM, TITLE, USER
from cfexp.evaluation.intervals import STD
from cfexp.models.origin import SCORE
from cfexp.models.predictor import Predictor
from cfexp.runs.output import output_of, write_output
from cfexp.runs.own_file import OwnFile, read_own
from cfexp.runs.task import Task
from cfexp.runtime.console import print_frame, print_lines
from cfexp.runtime.output import near
from cfexp.runtime.result import conclude

log = logging.getLogger(__name__)

PREDICTED = "predicted"
KNOWN = {USER: "known_user", ITEM: "known_movie"}


def predict(task: Task) -> None:
    """Predicts the pairs of a file, see `predict_file`.

    Raises:
        CfexpError: The model cannot be found, or the file cannot be used.
    """
    predictor, _ = task.trained_model()
    task.experiment_over(predictor.origin.config)  # checks the overrides
    predict_file(
        predictor,
        pairs=str(task.options.pairs),
        output=output_of(task),
        columns=task.options.columns,
    )


def predict_file(
    predictor: Predictor,
    *,
    pairs: str,
    output: Path,
    columns: Mapping[str, str | None] | None = None,
) -> None:
    """Predicts the pairs of a file, and writes them with their predictions.

    The written columns, beside the file's own: ``title``, if the model knows titles;
    ``predicted``, or ``score`` if it learned to rank; ``std``, the deviation of each
    rating, if the model knows it; ``known_user`` and ``known_movie``, whether it was
    trained on ratings of them.

    Args:
        predictor: The trained model.
        pairs: A file of users, movies and, for new ones, columns of features.
        output: The file to write.
        columns: The file's names of its columns, where they are its own.

    Raises:
        DataError: The file cannot be read, or lacks a column.
    """
    file = read_own(
        predictor, pairs, option="pairs", wanted=(USER, ITEM), columns=columns or {}
    )
    found, unknown = _predicted(predictor, file)
    write_output(found, output)
    _show(found, [*file.names.values(), TITLE, _column(predictor), STD])
    print_lines([("output", near(output))])
    conclude(
        f"{len(found):,} predictions in {near(output)}",
        {"output": output, "predictions": len(found), **unknown},
    )


def _predicted(
    predictor: Predictor, file: OwnFile
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Returns a file's rows with their predictions, and how many are not known."""
    predicted, std = predictor.predict_with_std(file.frame)
    ids = {name: as_ids(file.frame[name]) for name in (USER, ITEM)}
    found = file.given.assign(**{file.names[name]: own for name, own in ids.items()})
    if TITLE not in found and (titles := predictor.titles(ids[ITEM])).any():
        found[TITLE] = titles
    found[_column(predictor)] = predicted
    if std is not None:
        found[STD] = std
    return found, _flag_unknown(predictor, ids, found)


def _column(predictor: Predictor) -> str:
    """Returns the column of predictions."""
    return SCORE if predictor.origin.ranks else PREDICTED


def _show(found: pd.DataFrame, first: list[str]) -> None:
    """Prints the first predictions; in little room, without the file's other columns.

    Args:
        found: All predictions.
        first: The columns to show first.
    """
    own = [c for c in first if c in found]
    flags = list(KNOWN.values())
    others = [str(c) for c in found if c not in (*own, *flags)]
    print_frame(
        f"{len(found):,} predictions, the first ones",
        found[[*own, *others, *flags]].head(10),
        spare=[*reversed(others), TITLE],
    )


def _flag_unknown(
    predictor: Predictor, ids: Mapping[str, pd.Series], found: pd.DataFrame
) -> dict[str, int]:
    """Adds which users and movies the model knows, and says of which it does not.

    An id that is mistyped is unknown, too.

    Args:
        predictor: The trained model.
        ids: The users and movies of each row.
        found: The rows, which get the columns of `KNOWN`.

    Returns:
        The number of rows of unknown ``users`` and ``movies``.
    """
    encoder, count = predictor.encoder, {}
    for name, what, known in (
        (USER, "users", encoder.users),
        (ITEM, "movies", encoder.items),
    ):
        there = positions(ids[name], known) >= 0
        found[KNOWN[name]] = there
        unknown = ids[name][~there]
        count[f"unknown_{what}"] = len(unknown)
        if not len(unknown):
            continue
        # All of them: a wrong column, perhaps, and each prediction is near the mean.
        say = log.warning if not there.any() else log.info
        say(
            "%s of %s rows are of %s that the model does not know, such as %s%s",
            *(f"{len(unknown):,}", f"{len(there):,}", what, unknown.iloc[0]),
            did_you_mean_id(unknown.iloc[0], known),
        )
    return count
