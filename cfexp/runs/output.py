"""The file that predictions or recommendations go to."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from cfexp.config.schema import Mode
from cfexp.errors import ConfigError
from cfexp.runs.task import Task


def output_of(task: Task) -> Path:
    """Returns the file that predictions or recommendations go to."""
    kind = "predictions" if task.options.mode is Mode.predict else "recommendations"
    return Path(task.options.output or task.folder / f"{kind}.csv")


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


def write_output(frame: pd.DataFrame, output: Path) -> None:
    """Writes a table as CSV, or as Parquet where the file's name says so."""
    output.parent.mkdir(parents=True, exist_ok=True)
    if output.suffix == ".parquet":
        frame.to_parquet(output, index=False)
    else:
        frame.to_csv(output, index=False)
