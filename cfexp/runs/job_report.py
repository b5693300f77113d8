"""Reports how far a job of a sweep is, to its folder and to a screen in its process."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from cfexp.evaluation.names import may_choose
from cfexp.runtime import owned
from cfexp.runtime.epochs import Progress
from cfexp.runtime.job_status import FAILED, RUNNING, STATUS, STOPPED, JobStatus
from cfexp.runtime.output import output

SECONDS = 0.5  # between two writes while it trains
_reports: list["JobReport"] = []


class JobReport:
    """The report of the job that this process runs, or of a fold or seed of it.

    Args:
        folder: The job's folder.
        status: Its first status.
        show: Shows a status; called at each change.

    Raises:
        ConfigError: The folder holds a status file that cfexp did not write.
    """

    def __init__(
        self, folder: Path, status: JobStatus, show: Callable[[JobStatus], None]
    ):
        self._folder, self._show, self._written = folder, show, 0.0
        self.status = status
        owned.claim(folder, [STATUS], fix=owned.OTHER_SWEEP)
        self._change(status)

    def __enter__(self) -> "JobReport":
        _reports.append(self)
        return self

    def __exit__(self, *error: object) -> None:
        _reports.remove(self)

    def hear(self, progress: Progress) -> None:
        """Reports an epoch."""
        changed = replace(
            self.status,
            stage=progress.stage,
            epoch=progress.epoch,
            epochs=progress.epochs,
            figures=progress.figures,
        )
        self._change(changed, now=time.monotonic() - self._written > SECONDS)

    def note(self, state: str, metrics: Mapping[str, float]) -> None:
        """Notes what the job came to; `end` reports it."""
        self.status = replace(
            self.status,
            state=state,
            metrics={n: float(v) for n, v in metrics.items() if may_choose(n)},
        )

    def end(self, state: str, error: str = "") -> None:
        """Reports the end of the job.

        Args:
            state: How it ended, unless `note` knows better.
            error: Why it failed, in one line.
        """
        noted = self.status.state
        is_known = noted != RUNNING and not error
        self._change(
            replace(
                self.status,
                state=noted if is_known else state,
                error=error,
                ended=time.time(),
                warnings=tuple(output.warnings),
            )
        )
        output.warnings.clear()

    def _change(self, status: JobStatus, *, now: bool = True) -> None:
        self.status = status
        self._show(status)
        if now:
            self._written = time.monotonic()
            with suppress(OSError):  # a full disk ends the job where it matters
                status.write(self._folder)


def ended_badly(folder: Path, error: str) -> None:
    """Reports that a job failed after its training; nothing outside of a sweep.

    Args:
        folder: The job's folder.
        error: Why it failed, in one line.
    """
    known = JobStatus.read(folder)
    if known:
        with suppress(OSError):
            replace(known, state=FAILED, error=error).write(folder)


def note(state: str, metrics: Mapping[str, float]) -> None:
    """Notes what the job of this process came to; nothing outside of a sweep."""
    if _reports:
        _reports[-1].note(state, metrics)


def stop() -> None:
    """Reports that the job of this process was stopped; nothing outside of a sweep."""
    if _reports:
        _reports[-1].end(STOPPED)
