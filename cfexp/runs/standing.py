"""Where a run that was stopped stands, and how to go on with it."""

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cfexp.errors import DamagedError
from cfexp.runtime.output import near, output

RESUME = "training.resume=true"


@contextmanager
def noted_if_stopped(checkpoint: Path, *, epochs: int) -> Iterator[None]:
    """Adds where a training stands to the interrupt that stops it.

    Args:
        checkpoint: The file of its checkpoint, if it saves any.
        epochs: The most epochs.
    """
    try:
        yield
    except KeyboardInterrupt as stop:
        note(stop, _of_training(checkpoint, epochs))
        raise


def note(stop: KeyboardInterrupt, lines: Sequence[str]) -> None:
    """Makes an interrupt say where what it stopped stands, and nothing else."""
    stop.__notes__ = list(lines)


def go_on(*, is_tracked: bool) -> str:
    """Returns how to go on with the jobs of a sweep, or with folds and seeds.

    Args:
        is_tracked: Whether it is tracked, so that finished jobs are known.
    """
    command = shlex.join(output.command)
    if is_tracked:
        return f"go on, without what is finished: {command}"
    return f"nothing is remembered without tracking; all of it again: {command}"


def _of_training(checkpoint: Path, epochs: int) -> list[str]:
    from cfexp.training.checkpoint import load

    try:
        epoch = load(checkpoint).epochs[-1].epoch if checkpoint.is_file() else 0
    except (DamagedError, OSError):
        epoch = 0
    if not epoch:
        return ["there is no checkpoint to go on from", f"again: {_command()}"]
    return [
        f"after epoch {epoch} of {epochs}, with the checkpoint {near(checkpoint)}",
        f"go on: {_command(RESUME)}",
    ]


def _command(*more: str) -> str:
    if not output.command:  # from Python
        return "cfexp.train(..., resume=True)" if more else "cfexp.train(...)"
    given = [word for word in output.command if not word.startswith("training.resume=")]
    return shlex.join([*given, *more])
