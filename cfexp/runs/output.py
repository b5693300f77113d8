"""The output file of predictions or recommendations."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from cfexp.config.schema import Mode
from cfexp.errors import ConfigError
from cfexp.runs.task import Task
from cfexp.runtime.formats import format_of


def output_of(task: Task) -> Path:
    """Returns the output file of predictions or recommendations."""
    names = {Mode.predict: "predictions", Mode.similar: "similar"}
    name = names.get(task.options.mode, "recommendations")
    return Path(task.options.output or task.folder / f"{name}.csv")


def check_output(output: Path, *, overwrite: bool, read: Sequence[Path]) -> None:
    """Checks that the output overwrites no file by mistake.

    Args:
        output: The output file.
        overwrite: Whether it may exist already.
        read: The input files, which must not be overwritten.

    Raises:
        ConfigError: The output exists, or is one of the input files.
    """
    if output.is_dir():
        raise ConfigError(f"output={output} is a folder. Name a file in it")
    if not output.exists():
        return
    for path in read:
        if path.exists() and path.samefile(output):
            raise ConfigError(
                f"output={output} is an input file and would be overwritten. Name"
                " another file"
            )
    if not overwrite:
        raise ConfigError(
            f"output={output} exists already. Name another file, or replace it with"
            " overwrite=true"
        )


def write_output(frame: pd.DataFrame, output: Path) -> None:
    """Writes a table in the format that the file's ending says, see `FORMATS`."""
    output.parent.mkdir(parents=True, exist_ok=True)
    kind = format_of(output)
    if kind == ".parquet":
        frame.to_parquet(output, index=False)
    elif kind == ".csv":
        frame.to_csv(output, index=False)
    else:
        # Whole numbers and text as they are; a list of rows, or a row in each line.
        lines = kind == ".jsonl"
        frame.to_json(
            output,
            orient="records",
            lines=lines,
            double_precision=15,
            date_format="iso",
        )
