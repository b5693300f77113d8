"""What one sees of a sweep while it runs: its plan, screen and jobs."""

import time
import uuid
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig

from cfexp.config.identity import effective
from cfexp.config.jobs import GRID, checked
from cfexp.config.objective import objective_of
from cfexp.runs.job_report import JobReport
from cfexp.runs.next_job import NextJob
from cfexp.runs.sweep_watch import Watch
from cfexp.runtime.epochs import Progress, told_to
from cfexp.runtime.job_status import FINISHED, STOPPED, JobStatus
from cfexp.runtime.output import Output, Verbosity, output, set_output

if TYPE_CHECKING:
    from cfexp.reports.sweep_tally import Plan

IN_PROCESS = "BasicLauncher"


@dataclass(frozen=True)
class Label:
    """What a job's process needs to know to report to the sweep.

    Attributes:
        sweep: The sweep, as `JobStatus.sweep`.
        verbosity: How much is printed.
    """

    sweep: str
    verbosity: Verbosity


class SweepView:
    """Shows a sweep in the process that was started for it.

    Args:
        config: The sweep's configuration, including the node ``hydra``.
        folder: The sweep's folder.
    """

    def __init__(self, config: DictConfig, folder: Path):
        from cfexp.reports.sweep_screen import SweepScreen

        self.label = Label(uuid.uuid4().hex, output.verbosity)
        self.plan = plan_of(config)
        self.screen: SweepScreen = SweepScreen(self.plan)
        self._watch: Watch | None = None
        self.in_process = str(config.hydra.launcher._target_).endswith(IN_PROCESS)
        if not self.in_process:
            self._watch = Watch(folder, self.label.sweep, self.screen.feed)

    def start(self) -> None:
        """Begins to show it."""
        self.screen.start()
        if self._watch:
            self._watch.start()

    def stop(self) -> None:
        """Shows the last state of the jobs, and ends."""
        if self._watch:
            self._watch.stop()
        self.screen.stop()


def plan_of(config: DictConfig) -> "Plan":
    """Returns what a sweep is to do.

    Args:
        config: The sweep's configuration, including the node ``hydra``.
    """
    from cfexp.reports.sweep_tally import Plan

    objective = objective_of(config)
    sweeper = config.hydra.sweeper
    if str(sweeper._target_) == GRID:
        jobs = checked(config).jobs
        shared = set(jobs[0].overrides) - set(jobs[0].varied)
        return Plan(len(jobs), tuple(effective(shared)), objective)
    given = OverridesParser.create().parse_overrides(list(config.hydra.overrides.task))
    shared = {str(one.input_line) for one in given if not one.is_sweep_override()}
    return Plan(sweeper.get("n_trials"), tuple(effective(shared)), objective)


class RunningJob:
    """A job of a sweep that this process runs: its report, and where its output goes.

    Args:
        config: The job's configuration, including the node ``hydra``.
        label: What the sweep told its jobs.
        view: The sweep's view; None in another process than the sweep's.
        following: What hears of its epochs besides the view.
    """

    def __init__(
        self,
        config: DictConfig,
        label: Label,
        view: SweepView | None,
        following: NextJob | None = None,
    ):
        number = int(config.hydra.job.num)
        overrides = effective(list(config.hydra.overrides.task))
        folder = Path(config.hydra.runtime.output_dir)
        about = (label.sweep, number, tuple(overrides), time.time())
        status = JobStatus(*about, folder=str(folder))
        if view is None:
            set_output(Output(label.verbosity, is_worker=True))
        show = view.screen.feed if view else _nobody
        self._open = ExitStack()
        self.report = self._open.enter_context(JobReport(folder, status, show))
        self._following = following
        self._open.enter_context(told_to(self._hear))
        output.job = f"job {view.plan.place(number) if view else number + 1}"

    def _hear(self, progress: Progress) -> None:
        self.report.hear(progress)
        if self._following:
            self._following.hear(progress)

    def end(self, state: str = FINISHED, error: str = "") -> None:
        """Reports how the job ended; only once."""
        if not output.job:
            return
        output.job = ""
        self._open.close()
        self.report.end(state, error)

    def stop(self) -> None:
        """Reports that the job was stopped, unless it has ended."""
        self.end(STOPPED)


def _nobody(status: JobStatus) -> None:
    """Shows a status to nobody: the sweep's own process reads it from the folder."""
