"""``cfexp plan``: what a sweep would do, without doing it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from cfexp.config.arguments import Parser, take_output
from cfexp.config.build import Request
from cfexp.config.grid import SweptJob
from cfexp.config.jobs import Checked, check
from cfexp.config.schema import Mode
from cfexp.config.swept import sweep_of
from cfexp.errors import ConfigError
from cfexp.runtime.output import set_output
from cfexp.runtime.result import conclude
from cfexp.sweeps.plan import FINISHED, PlannedRun, runs_of, trials_like
from cfexp.tracking.glance import Seen, glance

SHOWN = 40  # runs; all of them with -v


@dataclass
class Plan:
    """The runs of a sweep, collected job by job.

    Attributes:
        runs: The runs.
        unknown: Why earlier runs are unknown; None if they are known.
    """

    runs: list[PlannedRun] = field(default_factory=list)
    unknown: str | None = None
    _earlier: list[Seen] | None = None
    _asked: bool = False

    def add(self, job: SweptJob, request: Request) -> None:
        """Adds the runs of a job.

        Raises:
            ConfigError: The job trains nothing.
        """
        if request.options.mode is not Mode.train:
            mode = request.options.mode.name
            raise ConfigError(f"cfexp plan is for trainings. Got: mode={mode}")
        if not self._asked:
            found = glance(request.tracking)
            self._asked = True
            if isinstance(found, str):
                self.unknown = found
            else:
                self._earlier = found
        self.runs += runs_of(job, request, self._earlier)


def parser() -> Parser:
    """Returns the command's parser."""
    found = Parser(
        prog="cfexp plan",
        description="Says what a run or sweep would do, without TensorFlow: its jobs,"
        " which are finished, to resume, the same as others or wrong, and what they"
        " may take by earlier runs of the same model and data.",
    )
    found.add_argument(
        "overrides",
        nargs="*",
        metavar="OVERRIDE",
        help="options of the run or sweep: model=dot,ncf embed_dim=16,32",
    )
    found.add_argument("-m", "--multirun", action="store_true", help="as for the sweep")
    found.add_argument("--config-dir", metavar="DIR", help="folder of your own configs")
    found.add_argument("--json", action="store_true", help="print one JSON object")
    found.add_argument("-q", "--quiet", action="store_true", help="only the summary")
    found.add_argument("-v", "--verbose", action="store_true", help="every run")
    return found


def main(arguments: list[str]) -> int:
    """Prints the plan; returns 1 if a job is wrong.

    Raises:
        CfexpError: The sweep cannot be composed.
    """
    args = parser().parse_intermixed_args(arguments)
    set_output(take_output(arguments)[1])
    plan = Plan()
    with sweep_of(
        args.overrides, multirun=args.multirun, folder=args.config_dir
    ) as sweep:
        found = check(
            sweep.config,
            sweep.jobs,
            sweep.loader,
            swept=sweep.is_sweep,
            use=plan.add,
        )
    if not plan.runs:
        found.require_right()
    if sweep.trials:
        plan.runs = trials_like(plan.runs, sweep.trials)
    swept = {o.partition("=")[0] for job in found.jobs for o in job.varied}
    given = sweep.config.hydra.overrides.task
    shared = [o for o in given if o.partition("=")[0] not in swept]
    _print(plan, found, " ".join(shared), n=None if args.verbose else SHOWN)
    conclude(_summary(plan, found), _as_json(plan, found))
    return 1 if found.wrong else 0


def _print(plan: Plan, found: Checked, shared: str, *, n: int | None) -> None:
    """Prints the runs as a table, and what is the matter with the others."""
    import pandas as pd

    from cfexp.runtime.console import print_frame, print_lines

    frame = pd.DataFrame(
        {
            "run": [run.job or run.model for run in plan.runs[:n]],
            "state": [run.state for run in plan.runs[:n]],
            "seconds": [_number(run.seconds, 1) for run in plan.runs[:n]],
            "MB": [_number(run.memory_mb, 0) for run in plan.runs[:n]],
        }
    )
    title = f"{len(plan.runs):,} run{'s' * (len(plan.runs) != 1)}"
    print_frame(f"{title}, all with {shared}" if shared else title, frame, digits=1)
    lines = []
    if n is not None and len(plan.runs) > n:
        lines.append(("not shown", f"{len(plan.runs) - n:,} more runs (-v shows all)"))
    lines += [("the same", f"{one.job}: as {one.of}") for one in found.duplicates[:9]]
    lines += [("wrong", f"{job}: {problem}") for job, problem in found.wrong[:9]]
    hidden = max(len(found.duplicates) - 9, 0) + max(len(found.wrong) - 9, 0)
    if hidden:
        lines.append(("and", f"{hidden:,} more that are the same or wrong"))
    lines.append(("summary", _summary(plan, found)))
    if plan.unknown:
        lines.append(("unknown", f"what is finished, and the cost: {plan.unknown}"))
    elif any(run.state == FINISHED for run in plan.runs):
        lines.append(("finished", "if the data are still the same: they were not read"))
    print_lines(lines)


def _number(value: float | None, digits: int) -> float:
    return float("nan") if value is None else round(value, digits)


def _summary(plan: Plan, found: Checked) -> str:
    """Returns the numbers of runs by state, and the time they may take."""
    states = [f"{n:,} {state}" for state, n in Counter(_states(plan)).items()]
    states += [f"{len(found.duplicates):,} the same as another"] * bool(
        found.duplicates
    )
    states += [f"{len(found.wrong):,} wrong"] * bool(found.wrong)
    known = [run.seconds for run in plan.runs if run.seconds is not None]
    rest = len(plan.runs) - len(known)
    parts = [f"about {_time(sum(known))} one at a time"] * bool(known)
    parts += [f"{rest:,} run{'s' * (rest > 1)} of unknown time"] * bool(rest)
    return f"{', '.join(states)}; {', '.join(parts)}"


def _states(plan: Plan) -> Sequence[str]:
    return [run.state for run in plan.runs]


def _time(seconds: float) -> str:
    """Returns seconds as text, such as ``75 s`` or ``2 h 5 min``."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return (
        f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"
    )


def _as_json(plan: Plan, found: Checked) -> dict[str, Any]:
    known = [run.seconds for run in plan.runs if run.seconds is not None]
    return {
        "runs": [asdict(run) for run in plan.runs],
        "duplicates": [
            {"job": str(one.job), "of": str(one.of)} for one in found.duplicates
        ],
        "wrong": [{"job": str(job), "problem": text} for job, text in found.wrong],
        "states": dict(Counter(_states(plan))),
        "seconds": sum(known) if len(known) == len(plan.runs) else None,
        "runs_of_unknown_seconds": len(plan.runs) - len(known),
        "unknown": plan.unknown,
    }
