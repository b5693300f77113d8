"""``cfexp watch``: a table of a running sweep, refreshed until it ends."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cfexp.commands.options import (
    OPTIONS_HELP,
    print_json,
    runs_and_options,
    tracking_of,
)
from cfexp.config.arguments import Parser
from cfexp.errors import ConfigError
from cfexp.runtime.job_status import FAILED, LOG, RUNNING, STOPPED

if TYPE_CHECKING:
    import pandas as pd

    from cfexp.tracking.listed import Listed

LATEST = "latest"
NAN = float("nan")
TAILS, LINES = 2, 5  # failed jobs whose log is shown, and lines of it


def parser() -> Parser:
    """Returns the command's parser."""
    found = Parser(
        prog="cfexp watch",
        usage="cfexp watch [RUN] [--once] [name=value ...]",
        description="Shows the jobs of a sweep, or the folds and seeds of a run, until"
        " it ends or you press Ctrl-C, which does not stop the sweep.",
        epilog=f"RUN is the sweep, or one of its jobs; the latest if none is named."
        f" {OPTIONS_HELP}",
    )
    found.add_argument("runs", nargs="*", metavar="RUN", help="its id, name or latest")
    found.add_argument("--once", action="store_true", help="show it once, and end")
    found.add_argument(
        "--interval", type=float, default=3.0, metavar="SECONDS", help="3 if unset"
    )
    found.add_argument("--json", action="store_true", help="print JSON, once")
    return found


@dataclass(frozen=True)
class State:
    """What a sweep has come to.

    Attributes:
        parent: Its parent run.
        jobs: Its jobs, the first one first.
        epochs: Epochs so far, with the validation RMSE after each, of running jobs.
    """

    parent: "Listed"
    jobs: "Sequence[Listed]"
    epochs: dict[str, list[tuple[int, float]]]

    @property
    def is_running(self) -> bool:
        """Whether it has not ended, nor its process been killed at once."""
        found = {job.status for job in self.jobs}
        is_killed = STOPPED in found and RUNNING not in found
        return self.parent.status == RUNNING and not is_killed

    @property
    def status(self) -> str:
        """The status of the sweep."""
        is_killed = self.parent.status == RUNNING and not self.is_running
        return STOPPED if is_killed else self.parent.status

    def count(self) -> str:
        """Returns how many jobs there are of each status."""
        names = [job.status for job in self.jobs]
        kinds = sorted(set(names), key=names.index)
        return (
            ", ".join(f"{names.count(kind)} {kind}" for kind in kinds) or "no job yet"
        )

    def epoch(self, job: "Listed") -> str:
        """Returns a running job's epoch, such as ``3/15``; else the one it kept."""
        if epochs := self.epochs.get(job.run_id or ""):
            return f"{epochs[-1][0]}/{job.params.get('training.epochs', '?')}"
        best = job.metrics.get("best_epoch")
        return f"{best:.0f}" if best else ""

    def val_rmse(self, job: "Listed") -> float:
        """Returns a job's validation RMSE, or the lowest so far."""
        epochs = self.epochs.get(job.run_id or "", [])
        return job.metrics.get("val_rmse", min((v for _, v in epochs), default=NAN))


def main(arguments: list[str]) -> None:
    """Shows a sweep until it ends.

    Raises:
        CfexpError: There is no sweep, or an argument is wrong.
    """
    args = parser().parse_intermixed_args(arguments)
    runs, options = runs_and_options(args.runs)
    if len(runs) > 1:
        raise ConfigError(f"cfexp watch takes one run. Got: {' '.join(runs)}")
    if not args.interval > 0:
        raise ConfigError(f"--interval must be > 0. Got: {args.interval}")
    tracking = tracking_of(options, wanted="cfexp watch reads runs from MLflow")
    reference = runs[0] if runs else LATEST
    from cfexp.tracking.connect import connect
    from cfexp.tracking.listing import newest_parent

    experiment = connect(tracking, existing=True, searched=reference == LATEST)
    parent = newest_parent(experiment, reference)
    if args.json:
        return print_json(_as_data(state_of(parent)))
    try:
        return _watch(parent, once=args.once, interval=args.interval)
    except KeyboardInterrupt:  # the watching ends, not the sweep
        return None


def _watch(parent: "Listed", *, once: bool, interval: float) -> None:
    from cfexp.runtime.console import clear
    from cfexp.tracking.listing import get_run

    state, drawn = state_of(parent), False
    while state.is_running and not once:
        drawn = clear()
        if drawn:
            _show(state)
        time.sleep(interval)
        state = state_of(get_run(str(parent.run_id)))
    if drawn:
        clear()
    _show(state, once=once)


def state_of(parent: "Listed") -> State:
    """Returns what a sweep has come to by now."""
    from cfexp.tracking.listing import jobs_of
    from cfexp.tracking.search import validation_curve

    jobs = jobs_of(parent)
    running = [str(job.run_id) for job in jobs if job.status == RUNNING]
    return State(parent, jobs, {run_id: validation_curve(run_id) for run_id in running})


def _show(state: State, *, once: bool = False) -> None:
    from cfexp.runtime.console import print_frame, print_lines

    parent = state.parent
    title = f"{parent.kind} {parent.short}, {state.status}: {state.count()}"
    if state.jobs:
        print_frame(title, _table(state), spare=["seconds", "epoch"])
    else:
        print_lines([("", title)])
    failed = [job for job in state.jobs if job.status == FAILED]
    for job in failed[-TAILS:]:
        print_lines(tail(job))
    if state.is_running:
        print_lines([("", "Ctrl-C ends this table, not the sweep")] * (not once))
    elif state.status == STOPPED:
        print_lines([("next", "issue the sweep again: it resumes where it stopped")])
    elif len(state.jobs) > 1:
        print_lines([("next", f"cfexp compare --sweep {parent.short}")])


def _table(state: State) -> "pd.DataFrame":
    import pandas as pd

    from cfexp.tracking.listed import labels

    rows = [
        {
            "id": job.short,
            "job": label,
            "status": job.status,
            "epoch": state.epoch(job),
            "val_rmse": state.val_rmse(job),
            "test_rmse": job.metrics.get("test_rmse", NAN),
            "seconds": NAN if job.seconds is None else round(job.seconds),
        }
        for job, label in zip(state.jobs, labels(state.jobs), strict=True)
    ]
    return pd.DataFrame(rows)


def tail(job: "Listed") -> list[tuple[str, str]]:
    """Returns why a job failed, and the last lines of its log."""
    lines = [("failed", f"{job.short}: {job.error or 'no reason is known'}")]
    path = Path(job.folder, LOG)
    if job.folder and path.is_file():
        last = path.read_text(errors="replace").splitlines()[-LINES:]
        lines += [("" if i else str(LOG), line) for i, line in enumerate(last)]
    return lines


def _as_data(state: State) -> dict[str, Any]:
    jobs = [
        job.as_data() | {"val_rmse": state.val_rmse(job), "epoch": state.epoch(job)}
        for job in state.jobs
    ]
    return {"sweep": state.parent.as_data(), "jobs": jobs}
