"""What this process prints, as the flags ``-q``, ``-v`` and ``--json`` ask for."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path


class Verbosity(IntEnum):
    """How much is printed."""

    QUIET = 0  # warnings, errors and the line of the result
    NORMAL = 1
    VERBOSE = 2  # full tables of a sweep's jobs, and debug messages


@dataclass
class Output:
    """The state of this process's output.

    Attributes:
        verbosity: How much is printed.
        as_json: Whether stdout is for one JSON object, and all else goes to stderr.
        command: The command line that was given; empty in a program of the user's.
        job: What runs as a part of a sweep, such as ``job 3``; its tables and messages
            go to its own log file. Empty for a run of its own.
        is_worker: Whether the job has no terminal of its own, since its process is one
            of several; it prints nothing at all.
        warnings: What such a process would have warned of.
    """

    verbosity: Verbosity = Verbosity.NORMAL
    as_json: bool = False
    command: tuple[str, ...] = ()
    job: str = ""
    is_worker: bool = False
    warnings: list[str] = field(default_factory=list)

    @property
    def shows_tables(self) -> bool:
        """Whether tables are printed, and not only written to the log file."""
        if self.is_worker or self.verbosity is Verbosity.QUIET:
            return False
        return not self.job or self.verbosity is Verbosity.VERBOSE


output = Output()


def set_output(wanted: Output) -> None:
    """Makes the process print as `wanted` says."""
    vars(output).update(vars(wanted))


@contextmanager
def job(name: str) -> Iterator[None]:
    """Marks what the block prints as that of a part of a sweep, see `Output.job`."""
    before, output.job = output.job, name
    try:
        yield
    finally:
        output.job = before


def near(path: Path) -> str:
    """Returns a path as text to read: relative to the working directory if below it."""
    whole = path.absolute()
    here = Path.cwd()
    return str(whole.relative_to(here)) if whole.is_relative_to(here) else str(path)
