"""Finds the runs to compare, and groups those that differ by fold and seed only."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

import mlflow
import pandas as pd
from mlflow.entities import Run

from cfexp.compare.rows import by_user, read_errors
from cfexp.compare.statistics import UserErrors
from cfexp.errors import TrackingError, did_you_mean, first_line
from cfexp.tracking.earlier import INCLUDES

FINISHED = "attributes.status = 'FINISHED' and tags.`cfexp.kind` = 'train'"
# Parameters that repeat a run rather than change it.
REPEATED = ("split.fold", "seed")
TEST_PREDICTIONS = "test_predictions.parquet"
MOST_RUNS = 1000


@dataclass(frozen=True)
class System:
    """Runs of one configuration, on one or more folds or seeds.

    Attributes:
        name: What tells it from the others.
        runs: Its runs, one for each fold and seed.
    """

    name: str
    runs: tuple[Run, ...]

    @property
    def splits(self) -> frozenset[str]:
        """Fingerprints of the splits that it was tested on."""
        return frozenset(run.data.tags["cfexp.split_sha256"] for run in self.runs)


def find_runs(
    experiment_id: str,
    *,
    ids: Sequence[str] = (),
    sweep: str | None = None,
    query: str | None = None,
) -> list[Run]:
    """Returns finished trainings, in the order asked for, else the newest first.

    Args:
        experiment_id: Where to look.
        ids: Run ids.
        sweep: The id of a sweep's parent run.
        query: A filter in MLflow's search language, such as ``metrics.test_rmse < 1``.

    Raises:
        TrackingError: There is none, or an id is unknown.
    """
    if ids:
        return [_run(run_id) for run_id in ids]
    try:
        if sweep:
            found = _runs_below(experiment_id, sweep, query)
        else:
            found = _search(experiment_id, FINISHED, query)
    except mlflow.MlflowException as error:
        raise TrackingError(f"cannot search for runs: {first_line(error)}") from error
    if not found:
        raise TrackingError(
            "no finished training matches. See what there is with mlflow ui, or name"
            " runs: cfexp compare RUN RUN."
        )
    return list(found)


def _search(experiment_id: str, *filters: str | None) -> list[Run]:
    return list(
        mlflow.MlflowClient().search_runs(
            [experiment_id],
            " and ".join(f for f in filters if f),
            max_results=MOST_RUNS,
        )
    )


def _runs_below(experiment_id: str, parent: str, query: str | None) -> list[Run]:
    """Returns the runs of a sweep: its own, of its folds, and what it made use of."""
    below = f"tags.mlflow.parentRunId = '{parent}'"
    found = _search(experiment_id, FINISHED, below, query)
    for group in _search(experiment_id, "tags.`cfexp.kind` = 'cv'", below):
        found += _runs_below(experiment_id, group.info.run_id, query)
    tags = mlflow.get_run(parent).data.tags
    used = [t.removeprefix(INCLUDES) for t in tags if t.startswith(INCLUDES)]
    if used:
        listed = ", ".join(f"'{run_id}'" for run_id in used)
        among = f"attributes.run_id IN ({listed})"
        found += _search(experiment_id, FINISHED, among, query)
    return found


def _run(run_id: str) -> Run:
    client = mlflow.MlflowClient()
    try:
        run = client.get_run(run_id)
    except mlflow.MlflowException as error:
        recent = mlflow.search_runs(
            search_all_experiments=True, max_results=200, output_format="list"
        )
        near = did_you_mean(run_id, [run.info.run_id for run in recent])
        raise TrackingError(
            f"there is no run {run_id} in {mlflow.get_tracking_uri()}{near}. Copy the"
            " id from mlflow ui."
        ) from error
    if run.data.tags.get("cfexp.kind") != "train" or run.info.status != "FINISHED":
        raise TrackingError(
            f"run {run_id} is no finished training of cfexp: its status is"
            f" {run.info.status}. Choose another."
        )
    return run


def find_sweep(experiment_id: str, sweep: str | None) -> str | None:
    """Returns the id of a sweep's parent run, where `sweep` is ``latest`` too.

    Raises:
        TrackingError: There is no sweep.
    """
    if sweep != "latest":
        return sweep
    found = mlflow.MlflowClient().search_runs(
        [experiment_id], "tags.`cfexp.kind` = 'sweep'", max_results=1
    )
    if not found:
        raise TrackingError("there is no sweep yet. Start one with cfexp -m.")
    return str(found[0].info.run_id)


def systems(runs: Sequence[Run]) -> list[System]:
    """Groups runs that differ by fold and seed only; names them by what differs."""
    grouped: dict[tuple[tuple[str, str], ...], list[Run]] = {}
    for run in runs:
        kept = {k: v for k, v in run.data.params.items() if k not in REPEATED}
        grouped.setdefault(tuple(sorted(kept.items())), []).append(run)
    # The newest run of each fold and seed, where one was repeated. Seeds may share a
    # split, as where the latest ratings are tested.
    latest = [
        tuple({_repeat(run): run for run in reversed(group)}.values())
        for group in grouped.values()
    ]
    names = _names([dict(params) for params in grouped])
    return [System(name, group) for name, group in zip(names, latest, strict=True)]


def _repeat(run: Run) -> tuple[str | None, ...]:
    repeated = (run.data.params.get(name) for name in REPEATED)
    return (run.data.tags["cfexp.split_sha256"], *repeated)


def _names(params: list[dict[str, str]]) -> list[str]:
    models = [one["model.name"] for one in params]
    table = pd.DataFrame(params).drop(columns="model.name")
    varied = {}
    for model in set(models):
        # Among runs of the same model, what differs between them.
        same = table[[other == model for other in models]]
        varied[model] = [c for c in table if same[c].nunique(dropna=False) > 1]
    names = []
    for model, params_of in zip(models, params, strict=True):
        said = [f"{c.removeprefix('model.')}={params_of.get(c)}" for c in varied[model]]
        names.append(" ".join([model, *dict.fromkeys(said)]))
    return names


def errors_of(compared: Sequence[System]) -> tuple[UserErrors, int]:
    """Returns the systems' errors, summed by user, in the rows that all were tested on.

    Also returns how many distinct rows any of them was tested on.

    Raises:
        CfexpError: A run's predictions are missing, or there is no common row.
    """
    # A server takes its time for each file, not for all together.
    with ThreadPoolExecutor(8) as pool:
        frames = iter(
            list(pool.map(predictions, [r for system in compared for r in system.runs]))
        )
    return by_user(
        [system.name for system in compared],
        [[next(frames) for _ in system.runs] for system in compared],
    )


def predictions(run: Run, name: str = TEST_PREDICTIONS) -> pd.DataFrame:
    """Returns the errors of a run's logged predictions, as `read_errors` does.

    Raises:
        TrackingError: They are missing.
    """
    try:
        return read_errors(_local(f"{run.info.artifact_uri}/{name}"))
    except Exception as lost:
        raise TrackingError(
            f"run {run.info.run_id} has no {name}: {first_line(lost)[:200]}. Train it"
            " again with rerun=true"
        ) from lost


def _local(uri: str) -> str:
    """Returns an artifact's path, without MLflow where it is on this machine."""
    parts = urlsplit(uri)
    if parts.scheme in ("", "file"):
        return unquote(parts.path)
    return mlflow.artifacts.download_artifacts(artifact_uri=uri)
