"""What one sees of folds and seeds: a screen of their own, or a part of a sweep's."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from cfexp.errors import first_line
from cfexp.evaluation.objective import Objective
from cfexp.reports.sweep_screen import SweepScreen
from cfexp.reports.sweep_tally import Plan
from cfexp.runs.job_report import JobReport
from cfexp.runs.standing import go_on, note
from cfexp.runtime.epochs import Progress, listener, told_to
from cfexp.runtime.job_status import FAILED, FINISHED, LOG, STOPPED, JobStatus
from cfexp.runtime.logs import logged_to
from cfexp.runtime.output import job, output


@dataclass(frozen=True)
class RepeatsView:
    """Shows folds and seeds while they are trained.

    Attributes:
        screen: Their screen; None in a job of a sweep, which has one.
        is_tracked: Whether finished repeats are known when it is issued again.
    """

    screen: SweepScreen | None
    is_tracked: bool

    @classmethod
    def of(cls, n: int, objective: Objective, *, is_tracked: bool) -> "RepeatsView":
        """Returns the view of `n` repeats."""
        if output.job or output.is_worker:
            return cls(None, is_tracked)
        plan = Plan(n, (), objective, "repeat")
        return cls(SweepScreen(plan), is_tracked)

    def __enter__(self) -> "RepeatsView":
        if self.screen:
            self.screen.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not self.screen:
            return
        self.screen.stop()
        if isinstance(error, KeyboardInterrupt):
            note(error, [self.screen.standing(), go_on(is_tracked=self.is_tracked)])

    @contextmanager
    def repeat(self, number: int, label: str, folder: Path) -> Iterator[JobReport]:
        """Shows one repeat; what it prints goes to the log file in its folder.

        Args:
            number: Its number, from 0.
            label: Its fold and seed, such as ``split.fold=0 seed=1``.
            folder: Its folder.

        Yields:
            Its report, to note what it came to.
        """
        own = tuple(label.split())
        status = JobStatus("", number, own, time.time(), folder=str(folder))
        show = self.screen.feed if self.screen else _told(label)
        with logged_to(folder / LOG), JobReport(folder, status, show) as report:
            try:
                name = f"{output.job}, {label}" if output.job else label
                with job(name), told_to(report.hear):
                    yield report
            except KeyboardInterrupt:
                report.end(STOPPED)
                raise
            except Exception as error:
                report.end(FAILED, first_line(error))
                raise
            report.end(FINISHED)


def _told(label: str) -> Callable[[JobStatus], None]:
    """Returns what tells the listener of a sweep's job about one of its repeats."""
    outer = listener()

    def show(status: JobStatus) -> None:
        if outer and status.epochs:
            stage = f"{label} {status.stage}"
            outer(Progress(stage, status.epoch, status.epochs, status.figures))

    return show
