"""What a sweep would do: which runs are new, finished or to resume, and their cost."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cfexp.config.build import Request
from cfexp.config.grid import SweptJob
from cfexp.config.identity import job_key
from cfexp.config.repeats import repeats
from cfexp.experiment import Experiment
from cfexp.models.ensemble import Ensemble
from cfexp.runtime.locks import is_free
from cfexp.spec import flat
from cfexp.tracking.glance import Seen

NEW, FINISHED, RESUME, RUNNING = "new", "finished", "to resume", "running"
AGAIN = "failed, to train again"
UNKNOWN = "unknown"


@dataclass(frozen=True)
class PlannedRun:
    """A run that a sweep would start or skip.

    Attributes:
        job: What differs from the other runs.
        model: The name of its model.
        state: What an earlier run of the same came to: `NEW`, `FINISHED` and so on.
        seconds: How long it may take; None if unknown; 0 if it is finished.
        memory_mb: The most memory that it may need, in megabytes; None if unknown.
    """

    job: str
    model: str
    state: str
    seconds: float | None
    memory_mb: float | None


def runs_of(
    job: SweptJob, request: Request, earlier: Sequence[Seen] | None
) -> list[PlannedRun]:
    """Returns the runs of a job: its folds and seeds, or itself.

    Args:
        job: The job.
        request: The objects of its configuration.
        earlier: The trainings that are tracked; None if they are unknown.

    Raises:
        ConfigError: ``cv`` does not fit the split.
    """
    options, name = request.options, " ".join(job.varied)
    if not (options.cv or options.seeds):
        return [_planned(name, request, request.experiment, earlier)]
    found = repeats(request.experiment, options, job.overrides)
    return [
        _planned(f"{name} {one.label}".strip(), request, one.experiment, earlier)
        for one in found
    ]


def _planned(
    name: str,
    request: Request,
    experiment: Experiment,
    earlier: Sequence[Seen] | None,
) -> PlannedRun:
    again = request.options.rerun or isinstance(experiment.model, Ensemble)
    state = NEW if again else _state(experiment, earlier)
    seconds, memory = _cost(experiment, earlier or ())
    if state == FINISHED:
        seconds = 0.0
    return PlannedRun(name, experiment.model.name, state, seconds, memory)


def _state(experiment: Experiment, earlier: Sequence[Seen] | None) -> str:
    if earlier is None:
        return UNKNOWN
    # The data are not read: it may be any that earlier runs had.
    pairs = {seen.data for seen in earlier if seen.model == experiment.model.name}
    keys = {job_key(experiment, *pair) for pair in pairs}
    same = [seen for seen in earlier if seen.job_key in keys]
    if not same:
        return NEW
    if any(seen.status == "FINISHED" for seen in same):
        return FINISHED
    if any(s.status == "RUNNING" and not _has_ended(s.lock) for s in same):
        return RUNNING
    saved = (f"{seen.job_key}.npz" for seen in same)
    folder = Path(experiment.training.checkpoint_dir)
    return RESUME if any((folder / name).exists() for name in saved) else AGAIN


def _has_ended(lock: Path) -> bool:
    return not lock.exists() or is_free(lock)


def _cost(
    experiment: Experiment, earlier: Sequence[Seen]
) -> tuple[float | None, float | None]:
    """Returns the seconds and megabytes of earlier runs of the same model and data."""
    own = flat({"dataset": experiment.identity()["dataset"]})
    wanted = {name: str(value) for name, value in own.items()}
    like = [
        seen
        for seen in earlier
        if seen.status == "FINISHED"
        and seen.dataset
        and seen.model == experiment.model.name
        and all(
            seen.dataset.get(name, value) == value for name, value in wanted.items()
        )
    ]
    seconds = [seen.seconds for seen in like if seen.seconds is not None]
    memory = [seen.memory_mb for seen in like if seen.memory_mb is not None]
    return (
        statistics.median(seconds) if seconds else None,
        max(memory) if memory else None,
    )


def trials_like(runs: Sequence[PlannedRun], n: int) -> list[PlannedRun]:
    """Returns the trials of a search, whose values are chosen while it runs.

    Args:
        runs: Runs at the ends of its ranges.
        n: The number of trials.
    """
    costs = [run.seconds for run in runs if run.seconds is not None]
    memory = [run.memory_mb for run in runs if run.memory_mb is not None]
    one = PlannedRun(
        "",
        runs[0].model,
        NEW,
        statistics.median(costs) if costs else None,
        max(memory, default=None),
    )
    return [replace(one, job=f"trial {i}") for i in range(n)]
