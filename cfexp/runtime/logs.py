"""Log records: without passwords, on the terminal and in the run's folder."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cfexp.errors import masked
from cfexp.runtime.output import Verbosity, output

# Loggers of launchers and sweepers, whose messages the screen of a sweep replaces.
OF_HYDRA = ("hydra", "hydra_plugins", "submitit")
# Not in Hydra's configuration: for each logger there, Python would make all loggers
# forget what they log, and set the levels of the loggers below it again, for each job.
LEVELS = {
    "alembic": logging.WARNING,
    "mlflow": logging.WARNING,
    "matplotlib": logging.WARNING,
    "tensorflow": logging.ERROR,
    "cfexp": logging.DEBUG,
}
FULL = "[%(asctime)s][%(name)s][%(levelname)s] %(message)s"
# Attribute of a record that the line of a sweep's job says too.
SAID = "said"


def set_levels() -> None:
    """Sets the levels of loggers, see `LEVELS`, unless the user or a library has."""
    for name, level in LEVELS.items():
        logger = logging.getLogger(name)
        if logger.level == logging.NOTSET:
            logger.setLevel(level)


class MaskingFormatter(logging.Formatter):
    """Formats log records and their tracebacks without passwords."""

    def format(self, record: logging.LogRecord) -> str:
        """Returns the record as text, passwords masked."""
        return masked(super().format(record))


class ConsoleHandler(logging.Handler):
    """Writes records to stderr: the one of now, which may be above a progress bar.

    Which ones depends on `cfexp.runtime.output`: of the jobs of a sweep only warnings.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Writes a record, if it is for people to see."""
        try:
            is_warning = record.levelno >= logging.WARNING
            if output.is_worker and is_warning and not getattr(record, SAID, False):
                output.warnings.append(masked(record.getMessage()).split("\n")[0])
            if not self._is_shown(record):
                return
            job = f"{output.job}: " if output.job else ""
            text = self.format(record)
            head = f"[{record.levelname}] "
            if job and text.startswith(head):
                text = f"{head}{job}{text.removeprefix(head)}"
            sys.stderr.write(f"{text}\n")
            sys.stderr.flush()
        except Exception:
            self.handleError(record)

    def _is_shown(self, record: logging.LogRecord) -> bool:
        if output.is_worker or (output.job and getattr(record, SAID, False)):
            return False
        level = record.levelno
        if output.verbosity is Verbosity.VERBOSE:
            ours = record.name.split(".")[0] == "cfexp"
            return level >= (logging.DEBUG if ours else logging.INFO)
        if record.name.startswith(OF_HYDRA):
            return level >= logging.WARNING
        is_brief = output.verbosity is Verbosity.QUIET or output.job
        return level >= (logging.WARNING if is_brief else logging.INFO)


class RunFile(logging.FileHandler):
    """The log file in a run's folder, which takes the tables that are printed too."""

    def write(self, text: str) -> None:
        """Writes a text as it is; a full disk does not end the run."""
        self.acquire()
        try:
            with suppress(OSError, ValueError):
                self.stream = self.stream or self._open()
                self.stream.write(masked(text))
                self.flush()
        finally:
            self.release()


def run_files() -> list[RunFile]:
    """Returns the log files that are open."""
    return [h for h in logging.getLogger().handlers if isinstance(h, RunFile)]


@contextmanager
def logged_to(path: Path) -> Iterator[None]:
    """Also writes the records and tables of the block to a log file of its own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = RunFile(path, delay=True)
    handler.setFormatter(MaskingFormatter(FULL))
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        handler.close()
