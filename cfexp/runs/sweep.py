"""Sweeps: a parent run for the runs of all jobs, on any launcher."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.override_parser.types import Quote, QuotedString
from hydra.core.utils import JobReturn, JobStatus
from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from cfexp.config.build import build, build_spec, plain
from cfexp.config.explain import explain
from cfexp.config.identity import effective, sweep_key
from cfexp.config.jobs import check_jobs
from cfexp.config.objective import objective_of
from cfexp.config.secrets import OVERRIDE, VARIABLE, hide_uri
from cfexp.errors import Failed, first_line, masked
from cfexp.runs import paperwork
from cfexp.runs.launchers import check_installed, threads_for_each
from cfexp.runs.next_job import NextJob
from cfexp.runs.paperwork import Paperwork
from cfexp.runs.sweep_end import BOARD, JSON, SweepEnd
from cfexp.runs.sweep_view import Label, RunningJob, SweepView
from cfexp.runs.swept import Swept
from cfexp.runs.traces import HYDRA_FILES, note_traces
from cfexp.runtime import owned
from cfexp.runtime.files import check_folder
from cfexp.runtime.job_status import FAILED, FINISHED
from cfexp.tracking.settings import NewRun, Tracking
from cfexp.tracking.tags import OVERRIDES

if TYPE_CHECKING:
    from cfexp.evaluation.objective import Objective
    from cfexp.tracking.parent import ParentRun

THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
_open_sweeps: list["SweepCallback"] = []


_swept: Swept | None = None


def current_sweep() -> Swept | None:
    """Returns the sweep whose job this process is running; None if it runs none."""
    return _swept


def finish_open_sweep(status: str) -> list[str]:
    """Closes the sweep that is running, if any, with an MLflow status.

    Returns:
        Where it stands and how to go on, if it was stopped; nothing without a sweep.
    """
    return _open_sweeps.pop().finish(status) if _open_sweeps else []


class SweepCallback(Callback):
    """Hydra's callback, which opens and closes the parent run of a sweep.

    Hydra calls `on_multirun_end` only if no job failed; otherwise the command line
    calls `finish_open_sweep`. A launcher that runs jobs in other processes sends them
    a copy of this object.
    """

    def __init__(self) -> None:
        self.swept: Swept | None = None
        self.folder = Path()
        self.objective: Objective | None = None
        self.threads = 0
        self.parent: ParentRun | None = None
        self.paperwork: Paperwork | None = None
        self.view: SweepView | None = None
        self.label: Label | None = None
        self.job: RunningJob | None = None
        self.next: NextJob | None = None

    def __getstate__(self) -> dict[str, Any]:
        # Without what belongs to this process, and without a password.
        tracking = self.tracking.replace(uri=masked(self.tracking.uri))
        own = {"parent": None, "paperwork": None, "view": None}
        own |= {"job": None, "next": None}
        return {**self.__dict__, **own, "tracking": tracking}

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Checks a single run's configuration before Hydra writes its files.

        Also hides passwords from these files.
        """
        try:
            hide_uri(config)
            build(config)
            check_folder(Path(config.hydra.run.dir), "hydra.run.dir")
            note_traces(config)
            if config.hydra.output_subdir is not None:
                names = [f"{config.hydra.output_subdir}/{name}" for name in HYDRA_FILES]
                owned.claim(Path(config.hydra.run.dir), names, fix=owned.OTHER_RUN)
        except Exception as error:
            raise Failed(error) from error

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Checks the sweep and opens the parent run, before any job is started."""
        try:
            self._start(config)
        except Exception as error:
            raise Failed(error) from error  # else Hydra would only log a warning

    def _start(self, config: DictConfig) -> None:
        if hide_uri(config):
            config.hydra.overrides.task.append(OVERRIDE)
        sweeper = config.hydra.sweeper
        for plugin in (config.hydra.launcher, sweeper, sweeper.get("sampler")):
            check_installed(plugin)
        # As an absolute path: jobs may have another working directory.
        check_folder(Path(config.hydra.sweep.dir), "hydra.sweep.dir")
        note_traces(config, sweep=True)
        self.folder = Path(config.hydra.sweep.dir).absolute()
        quoted = QuotedString(str(self.folder), Quote.single).with_quotes()
        config.hydra.overrides.hydra.append(f"hydra.sweep.dir={quoted}")
        config.hydra.sweep.dir = str(self.folder)
        check_jobs(config)
        owned.check_marked(self.folder / "results", fix=owned.OTHER_SWEEP)
        owned.check(self.folder / "results", [JSON], fix=owned.OTHER_SWEEP)
        owned.check(self.folder, [BOARD], fix=owned.OTHER_SWEEP)
        owned.claim(self.folder, ["multirun.yaml"], fix=owned.OTHER_SWEEP)
        self.threads = threads_for_each(config.hydra.launcher)
        self.objective = objective_of(config)
        tracking = build_spec("tracking", plain(config, "tracking"))
        assert isinstance(tracking, Tracking)
        self.tracking = tracking
        _open_sweeps.append(self)
        parent_id = self._open_parent(config)
        uri = self.tracking.absolute_uri
        self.paperwork = paperwork.start()
        self.view = SweepView(config, self.folder)
        self.swept = Swept(
            parent_id,
            uri if masked(uri) == uri else None,
            Path.cwd(),
            self.view.plan.shared,
        )
        self.label = self.view.label
        if self.view.in_process and NextJob.is_known(config):
            self.next = NextJob(config)
        self.view.start()

    def _open_parent(self, config: DictConfig) -> str | None:
        """Opens the parent run; returns its id, None without tracking."""
        if not self.tracking.enabled:
            return None
        from cfexp.tracking.tracker import open_parent

        overrides = " ".join(effective(list(config.hydra.overrides.task)))
        name = config.run_name or f"sweep {overrides}"[:200]
        self.parent = open_parent(
            self.tracking,
            NewRun(name, {OVERRIDES: overrides}, self.folder),
            kind="sweep",
            key=None if config.rerun else sweep_key(config),
        )
        assert self.parent is not None
        return self.parent.run_id

    def on_job_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Makes the sweep known in the process of a job."""
        global _swept
        _swept = self.swept  # None in a single run, even after a sweep
        if self.threads:
            for name in THREADS:
                os.environ.setdefault(name, str(self.threads))
        if self.label:
            try:
                if self.next:
                    self.next.begin(int(config.hydra.job.num))
                self.job = RunningJob(config, self.label, self.view, self.next)
            except Exception as error:
                raise Failed(error) from error  # else Hydra would only log a warning

    def on_job_end(
        self, config: DictConfig, job_return: JobReturn, **kwargs: Any
    ) -> None:
        """Records a job that failed before it could open its own run."""
        failed = job_return.status is JobStatus.FAILED
        if self.job:
            given = list(job_return.overrides or [])
            problem = job_return._return_value
            error = explain(problem, arguments=given) if failed else ""
            self.job.end(FAILED if failed else FINISHED, error)
        if not failed:
            return
        if self.swept is None or self.swept.parent_id is None:
            return
        from cfexp.tracking.parent import record_failure

        record_failure(
            self.tracking.replace(uri=self.swept.uri or os.environ[VARIABLE]),
            parent_id=self.swept.parent_id,
            name=" ".join(effective(list(job_return.overrides or [])))[:200],
            folder=str(config.hydra.runtime.output_dir),
            error=first_line(job_return._return_value),
        )

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Closes the parent run of a sweep without failed jobs."""
        try:
            finish_open_sweep("FINISHED")
        except Exception as error:
            raise Failed(error) from error

    def finish(self, status: str) -> list[str]:
        """Prints the leaderboard, logs it to the parent run and closes the run.

        Returns:
            Where a sweep that was stopped stands, and how to go on.

        Raises:
            CfexpError: A job could not be written or logged after it had ended.
        """
        if self.job:
            self.job.stop()
        if self.next and status != "KILLED":
            self.next.wait()
        errors = paperwork.stop(self.paperwork)
        if status != "FINISHED":  # there is another error to report
            errors = []
        if self.view:
            self.view.stop()
        parent_id = self.parent.run_id if self.parent else None
        assert self.objective
        end = SweepEnd(self.folder, self.objective, parent_id)
        end.write()
        end.show()
        if self.parent:
            end.log(self.parent)
            self.parent.finish("FAILED" if errors else status)
        end.conclude()
        if errors:
            raise errors[0]
        return end.how_to_go_on(self.view.screen.standing()) if self.view else []
