"""Predicts the pairs of a file with a trained model."""

from collections.abc import Sequence
from pathlib import Path

from cfexp.data.checks import require_once
from cfexp.data.ids import as_ids
from cfexp.data.ratings import ITEM, USER
from cfexp.data.tables import read_table
from cfexp.errors import ConfigError
from cfexp.models.predictor import Predictor
from cfexp.runtime.console import print_frame

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
    print_frame(
        f"{len(frame):,} predictions in {output}",
        frame.head(10),
        spare=[str(c) for c in reversed(frame.columns) if c not in asked],
    )
