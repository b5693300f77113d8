"""The screen of a sweep: a line for each finished job, and a bar for all of them."""

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.jupyter import JupyterMixin
from rich.table import Table
from rich.text import Text

from cfexp.evaluation.names import FULL
from cfexp.reports.sweep_tally import Plan, Tally
from cfexp.runtime.bar import Bar, clock
from cfexp.runtime.console import console, plain
from cfexp.runtime.job_status import FAILED, LOG, JobStatus
from cfexp.runtime.live import Region
from cfexp.runtime.output import Verbosity, near, output

# The most jobs whose bars are shown at once.
BARS = 4
LEAST_LABEL = 18
# Widths of the columns of numbers, with the space before them.
NUMBER, SECONDS, STATUS = 11, 9, 17


class SweepScreen:
    """Shows the jobs of a sweep, as they are fed to it.

    In a terminal or a notebook a bar stands below the lines; elsewhere there are lines
    only.

    Args:
        plan: What the sweep is to do.
        now: The clock.
    """

    def __init__(self, plan: Plan, now: Callable[[], float] = time.time):
        self.plan = plan
        self.tally = Tally(now())
        self._now = now
        self._lock = threading.RLock()
        self._region = Region(lambda: _View(self))

    def start(self) -> None:
        """Begins to show it."""
        self._say(self._row("", plan_head(self.plan), *self._heads(), "status"), "bold")
        self._region.start()

    def feed(self, status: JobStatus) -> None:
        """Takes how far a job is; one that has ended gets its line."""
        with self._lock:
            if self.tally.add(status):
                self._show(status)
            self._region.update()

    def stop(self) -> None:
        """Removes the bar."""
        self._region.stop(keep=False)

    def standing(self) -> str:
        """Returns how many jobs are finished, and where the others are."""
        with self._lock:
            return self.tally.standing(self.plan)

    def bars(self) -> list[RenderableType]:
        """Returns what stands below the lines."""
        with self._lock:
            now, tally, plan = self._now(), self.tally, self.plan
            figures = [clock(now - tally.started)]
            left = tally.left(plan.total, now)
            if left is not None and tally.ended != plan.total:
                figures[0] += f", {clock(left)} left"
            failed = sum(job.state == FAILED for job in tally.jobs.values())
            figures += [f"{failed} failed"] if failed else []
            found: list[RenderableType] = [
                Bar(f"{plan.what}s", tally.ended, plan.total, figures)
            ]
            if best := tally.best(plan.objective):
                name = plan.objective.name
                value = f"{name} {best.metrics[name]:.4f}"
                found.append(Text(f"best {value}: {plan.label(best)}", overflow="fold"))
            return [*found, *self._running(tally.running)]

    def _running(self, running: Sequence[JobStatus]) -> list[RenderableType]:
        """Returns a bar for each of the running jobs."""
        found: list[RenderableType] = []
        plan = self.plan
        for job in running[-BARS:]:
            name, label = f"{plan.what} {plan.place(job.number)}", plan.label(job)
            if len(running) == 1:
                found.append(Text(f"{name}: {label}", overflow="fold"))
                name, label = job.stage or "loading", ""
            figures = [*job.figures[:1], label] if label else list(job.figures)
            if job.epochs or label:
                head = name if len(running) == 1 else f"{name}, epoch"
                found.append(Bar(head, job.epoch, job.epochs or None, figures))
        if len(running) > BARS:
            found.append(Text(f"and {len(running) - BARS} more", style="dim"))
        return found

    def _show(self, status: JobStatus) -> None:
        metrics = status.metrics
        numbers = [
            f"{metrics[name]:.4f}" if name in metrics else "" for name in self._named()
        ]
        place, label = self.plan.place(status.number), self.plan.label(status)
        seconds = f"{status.seconds:.1f}"
        style = "red" if status.state == FAILED else ""
        self._say(self._row(place, label, *numbers, seconds, status.state), style)
        indent = " " * (len(self.plan.place(self.plan.total or 99)) + 1)
        if status.error:
            self._say(_indented(plain(status.error), indent), style)
            log = near(Path(status.folder) / LOG)
            self._say(_indented(f"its log: {log}", indent), "dim")
        for line in status.warnings:
            self._say(_indented(f"warning: {plain(line)}", indent), "")

    def _heads(self) -> list[str]:
        return [*map(short, self._named()), "seconds"]

    def _named(self) -> tuple[str, str]:
        return self.plan.objective.name, self.plan.objective.tested

    def _row(self, place: str, label: str, *cells: str) -> Table:
        """Returns one line of the list, its columns where those of the others are."""
        first = len(self.plan.place(self.plan.total or 99))
        widths = [max(NUMBER, len(head) + 2) for head in self._heads()[:2]]
        room = console().width - first - 1 - sum(widths) - STATUS
        shows_seconds = room - SECONDS >= LEAST_LABEL
        row = Table.grid(padding=0)
        row.add_column(width=first + 1)
        row.add_column(width=room - (SECONDS if shows_seconds else 0), overflow="fold")
        for width in (*widths, SECONDS)[: 2 + shows_seconds]:
            row.add_column(width=width, justify="right", no_wrap=True)
        row.add_column(width=STATUS, no_wrap=True)
        *numbers, seconds, state = cells
        shown = [*numbers, seconds] if shows_seconds else numbers
        row.add_row(place, label, *shown, f"  {state}")
        return row

    def _say(self, what: RenderableType, style: str) -> None:
        if output.verbosity is not Verbosity.QUIET and not output.is_worker:
            console().print(what, style=style or None)


class _View(JupyterMixin):
    """What stands below the lines, as it is when it is drawn."""

    def __init__(self, screen: SweepScreen):
        self._screen = screen

    def __rich_console__(self, to: Console, options: ConsoleOptions) -> RenderResult:
        yield from self._screen.bars()


def short(name: str) -> str:
    """Returns a metric's name without its group and its protocol."""
    return name.rpartition("/")[2].replace(FULL, "")


def plan_head(plan: Plan) -> str:
    """Returns the heading of a sweep's lines, such as ``6 jobs``."""
    return f"{plan.total} {plan.what}s" if plan.total else f"{plan.what}s"


def _indented(text: str, indent: str) -> RenderableType:
    row = Table.grid(padding=0)
    row.add_column(width=len(indent))
    row.add_column(overflow="fold")
    row.add_row(indent, text)
    return row
