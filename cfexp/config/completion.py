"""What a shell completes beside Hydra's options: commands, modes and runs."""

import os
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path

from cfexp.config.command_table import COMMANDS
from cfexp.config.schema import Mode

LINE = "COMP_LINE"  # the variable with the line that a shell completes
DATABASE = "mlflow.db"  # of `tracking=local`, in the working directory
NEWEST = """
select runs.run_uuid from runs where runs.lifecycle_stage = 'active'
order by runs.start_time desc limit 20
"""
RUNS = ("latest", "best")
RUN_ID = "run_id="


def completions(arguments: Sequence[str]) -> tuple[list[str], bool]:
    """Returns what may complete the line that a shell asks about.

    A command in the line is removed from it, so that Hydra completes what follows.

    Args:
        arguments: Those that the shell's completion gives: ``-sc query=bash``.

    Returns:
        The words, and whether there are no others.
    """
    if not {"-sc", "--shell-completion"} & set(arguments):
        return [], False
    program, *words = os.environ.get(LINE, "").split(" ")
    if not words:
        return [], False
    *before, last = words
    if last.startswith("mode="):
        return _beginning(last, (f"mode={mode.value}" for mode in Mode)), True
    if last.startswith(RUN_ID):
        return _beginning(last, (f"{RUN_ID}{run}" for run in _runs())), True
    if not before:
        return _beginning(last, COMMANDS), False
    if before[0] not in COMMANDS:
        return [], False
    os.environ[LINE] = f"{program} {last}"
    takes_run = "RUN" in COMMANDS[before[0]].usage and "=" not in last
    named = takes_run and (len(before) == 1 or COMMANDS[before[0]].mode is None)
    return (_beginning(last, _runs()) if named else []), False


def _beginning(start: str, words: Iterable[str]) -> list[str]:
    return [word for word in words if word.startswith(start)]


def _runs() -> list[str]:
    """Returns names and ids of runs, the newest first, without importing MLflow."""
    path = Path(DATABASE)
    if not path.is_file():
        return list(RUNS)
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            return [*RUNS, *(row[0] for row in database.execute(NEWEST))]
    except sqlite3.Error:  # it is no database of MLflow, or is locked
        return list(RUNS)
