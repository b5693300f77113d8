"""The user's files for a trained model, whose columns may have own names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from cfexp.data.checks import require_once
from cfexp.data.columns import GENRES, RATING, TITLE, guess
from cfexp.data.tables import read_table
from cfexp.errors import DataError, did_you_mean
from cfexp.models.predictor import Predictor


@dataclass(frozen=True)
class OwnFile:
    """A file's rows.

    Attributes:
        given: The rows as they are.
        frame: The rows, with the names that cfexp has for columns.
        names: The file's name of each column that was asked for, by cfexp's name.
    """

    given: pd.DataFrame
    frame: pd.DataFrame
    names: Mapping[str, str]


def read_own(
    predictor: Predictor,
    path: str,
    *,
    option: str,
    wanted: Sequence[str],
    columns: Mapping[str, str | None],
    optional: Sequence[str] = (),
) -> OwnFile:
    """Reads a CSV or Parquet file for a trained model.

    Args:
        predictor: The model: its data may have had names of their own, which the file
            may have, too.
        path: The file.
        option: The option that names it, for messages.
        wanted: The columns that are needed, by cfexp's names.
        columns: The names that the user gives for them; None: not given.
        optional: Columns that the file may lack, unless the user names them.

    Raises:
        DataError: The file cannot be read, or lacks a column.
    """
    every = (*optional, *wanted)
    choices = {name: _choices(predictor, name, columns.get(name)) for name in every}
    known = predictor.encoder.features.values()
    texts = {feature.column for feature in known if feature.kind == "text"}
    ids = {choice for n in every if n != RATING for choice in choices[n]}
    texts |= {TITLE, GENRES}
    frame = read_table(path, option=option, texts=texts | ids, order=wanted)
    there = list(map(str, frame.columns))
    found = {n: [c for c in choices[n] if c in there] for n in every}
    names = {name: own[0] for name, own in found.items() if own}
    needed = (*wanted, *(name for name in optional if columns.get(name)))
    _check(f"{option}={path}", there, columns, [n for n in needed if n not in names])
    # Another column may have the name that cfexp has for this one.
    hidden = [n for n, own in names.items() if n != own and n in there]
    ours = {own: name for name, own in names.items()}
    return OwnFile(frame, frame.drop(columns=hidden).rename(columns=ours), names)


def _check(
    where: str,
    there: Sequence[str],
    columns: Mapping[str, str | None],
    missing: Sequence[str],
) -> None:
    """Checks that a file, `where`, has the columns that are asked for, once.

    Raises:
        DataError: It lacks one, or has one twice.
    """
    require_once(where, there, there)
    listed = f"it has: {', '.join(there)}."
    for name in missing:
        if own := columns.get(name):
            near = did_you_mean(own, there)
            raise DataError(
                f"columns.{name}={own}: {where} has no column {own}{near}; {listed}"
            )
    if missing:
        hint = guess("pairs", missing, there, "columns")
        raise DataError(
            f"{where} has no column {', '.join(missing)}; {listed}{hint} If these are"
            " data, insert a line with the columns' names before them."
        )


def _choices(predictor: Predictor, name: str, given: str | None) -> list[str]:
    """Returns the names that a column may have, the first one that exists counts."""
    if given is not None:
        return [given]
    dataset: Any = predictor.origin.config.get("dataset", {})
    trained = (dataset.get("columns") or {}).get(name)
    return list(dict.fromkeys(filter(None, [name, trained])))
