"""Lists the runs of an experiment, and those of a sweep."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import mlflow
from mlflow.entities import Run

from cfexp.errors import TrackingError, first_line
from cfexp.tracking.filters import matches
from cfexp.tracking.listed import Listed
from cfexp.tracking.references import run_id_of, unknown_run
from cfexp.tracking.search import below
from cfexp.tracking.tags import KIND

PAGE = 200
PARENTS = ("sweep", "cv")
NEWEST = "attributes.start_time DESC"


@dataclass(frozen=True)
class Wanted:
    """Which runs to list.

    Attributes:
        having: Values by name, see `cfexp.tracking.filters.filtered`.
        sweep: Id of a sweep's parent run, whose jobs are listed; None for all runs.
        query: A filter in MLflow's search language.
        sort: The metric to sort by; None for the newest first.
        descending: Whether the highest value of that metric comes first.
        limit: The most runs to list.
    """

    having: Mapping[str, Sequence[str]] = field(default_factory=dict)
    sweep: str | None = None
    query: str | None = None
    sort: str | None = None
    descending: bool = False
    limit: int = 20

    @property
    def order(self) -> str:
        """The order, in MLflow's search language."""
        direction = "DESC" if self.descending else "ASC"
        return f"metrics.`{self.sort}` {direction}" if self.sort else NEWEST


def list_runs(experiment_id: str, wanted: Wanted) -> list[Listed]:
    """Returns the runs that are wanted.

    Raises:
        TrackingError: The query is wrong, or no run has the metric to sort by.
    """
    found: list[Run] = []
    try:
        for run in _candidates(experiment_id, wanted):
            if matches(run, wanted.having):
                found.append(run)
            if len(found) == wanted.limit:
                break
    except mlflow.MlflowException as error:
        raise TrackingError(f"cannot search for runs: {first_line(error)}") from error
    if wanted.sort and found and not any(wanted.sort in r.data.metrics for r in found):
        known = sorted({name for run in found for name in run.data.metrics})
        raise TrackingError(
            f"none of these runs has a metric {wanted.sort}. They have:"
            f" {', '.join(known[:8])} ..., see cfexp show RUN -v"
        )
    return [Listed.of(run) for run in found]


def _candidates(experiment_id: str, wanted: Wanted) -> Iterator[Run]:
    if wanted.sweep is None:
        return _pages(experiment_id, wanted)
    runs = below(wanted.sweep, wanted.query)
    if not wanted.sort:
        return iter(runs)
    name, sign = wanted.sort, -1 if wanted.descending else 1
    inf = float("inf")
    return iter(sorted(runs, key=lambda r: sign * r.data.metrics.get(name, sign * inf)))


def _pages(experiment_id: str, wanted: Wanted) -> Iterator[Run]:
    """Yields an experiment's runs in the order wanted, as far as they are asked for."""
    kinds = wanted.having.get("kind", [])
    kind = f"tags.`{KIND}` = '{kinds[0]}'" if len(kinds) == 1 else None
    where = " and ".join(f for f in (kind, wanted.query) if f)
    token = None
    while True:
        page = mlflow.MlflowClient().search_runs(
            [experiment_id],
            where,
            max_results=PAGE,
            order_by=[wanted.order],
            page_token=token,
        )
        yield from page
        token = page.token
        if not token:
            return


def newest_parent(experiment_id: str, reference: str) -> Listed:
    """Returns a sweep, or a run of folds and seeds.

    Args:
        experiment_id: The MLflow experiment to search.
        reference: ``latest``, or what `run_id_of` takes: the parent, or one of its
            jobs.

    Raises:
        TrackingError: There is none.
    """
    client = mlflow.MlflowClient()
    if reference != "latest":
        run = Listed.of(client.get_run(run_id_of(reference)))
        if run.kind not in PARENTS and run.parent_id:
            run = Listed.of(client.get_run(run.parent_id))
        if run.kind not in PARENTS:
            raise TrackingError(
                f"run {run.run_id} is neither a sweep nor one of its jobs, but a"
                f" {run.kind or 'run of another program'}. cfexp runs kind=sweep lists"
                " the sweeps"
            )
        return run
    for run in _pages(experiment_id, Wanted()):
        if run.data.tags.get(KIND) in PARENTS:
            return Listed.of(run)
    raise TrackingError("there is no sweep yet. Start one with cfexp -m")


def jobs_of(parent: Listed) -> list[Listed]:
    """Returns the runs of a parent's jobs, the first one first."""
    assert parent.run_id
    return sorted(
        map(Listed.of, below(parent.run_id, None)), key=lambda run: run.started
    )


def get_run(run_id: str) -> Listed:
    """Returns a run of any kind.

    Raises:
        TrackingError: There is no such run.
    """
    try:
        return Listed.of(mlflow.MlflowClient().get_run(run_id))
    except mlflow.MlflowException as error:
        raise unknown_run(run_id) from error
