"""Finds the runs to compare, and groups those that differ by fold and seed only."""

from collections.abc import Sequence
from dataclasses import dataclass

import mlflow
import numpy as np
import numpy.typing as npt
import pandas as pd
from mlflow.entities import Run

from cfexp.data.ratings import ITEM, RATING, USER
from cfexp.errors import TrackingError, did_you_mean, first_line

FINISHED = "attributes.status = 'FINISHED' and tags.`cfexp.kind` = 'train'"
# Parameters that repeat a run rather than change it.
REPEATED = ("split.fold", "seed")
PREDICTIONS = "test_predictions.parquet"
MOST_RUNS = 1000


@dataclass(frozen=True)
class System:
    """Runs of one configuration, on one or more folds or seeds.

    Attributes:
        name: What tells it from the others.
        runs: Its runs, one for each split.
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
    parts = [FINISHED]
    if sweep:
        parts.append(f"tags.mlflow.parentRunId = '{sweep}'")
    if query:
        parts.append(query)
    try:
        found = mlflow.MlflowClient().search_runs(
            [experiment_id], " and ".join(parts), max_results=MOST_RUNS
        )
    except mlflow.MlflowException as error:
        raise TrackingError(f"cannot search for runs: {first_line(error)}") from error
    if not found:
        raise TrackingError(
            "no finished training matches. See what there is with mlflow ui, or name"
            " runs: cfexp compare RUN RUN."
        )
    return list(found)


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
    # The newest run of each split, where one was repeated.
    latest = [
        tuple({r.data.tags["cfexp.split_sha256"]: r for r in reversed(group)}.values())
        for group in grouped.values()
    ]
    names = _names([dict(params) for params in grouped])
    return [System(name, group) for name, group in zip(names, latest, strict=True)]


def _names(params: list[dict[str, str]]) -> list[str]:
    models = [one["model.name"] for one in params]
    table = pd.DataFrame(params).drop(columns="model.name")
    names = []
    for i, model in enumerate(models):
        # Among runs of the same model, what differs between them.
        same = table[[other == model for other in models]]
        varied = [c for c in table if same[c].nunique(dropna=False) > 1]
        said = [f"{c.removeprefix('model.')}={table[c].iloc[i]}" for c in varied]
        names.append(" ".join([model, *dict.fromkeys(said)]))
    return names


def errors_of(
    compared: Sequence[System], *, only_common: bool
) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.float64]]:
    """Returns the user of each test row, and each system's error there.

    Args:
        compared: R systems.
        only_common: Take the rows that all have; else all must have the same rows.

    Returns:
        Users, named by split too, shape ``(n,)``; errors, shape ``(n, R)``.

    Raises:
        TrackingError: A run's predictions are missing, or there is no common row.
    """
    columns = [
        pd.concat([_errors(run, only_common) for run in system.runs])
        for system in compared
    ]
    first = columns[0].index
    if all(column.index.equals(first) for column in columns):
        table = np.column_stack(columns)
    else:
        joined = pd.concat(columns, axis="columns", join="inner")
        first, table = joined.index, joined.to_numpy(np.float64)
    if not len(first):
        raise TrackingError("these runs have no test row in common.")
    where = first.to_frame()
    unit = where["split"].astype(str) + " " + where[USER].astype(str)
    return unit.to_numpy(object), table


def _errors(run: Run, only_common: bool) -> "pd.Series[float]":
    try:
        path = mlflow.artifacts.download_artifacts(
            run_id=run.info.run_id, artifact_path=PREDICTIONS
        )
        frame = pd.read_parquet(path)
    except Exception as error:
        raise TrackingError(
            f"run {run.info.run_id} has no test predictions: {first_line(error)[:200]}"
        ) from error
    split = "" if only_common else run.data.tags["cfexp.split_sha256"]
    keys = pd.MultiIndex.from_arrays(
        [np.full(len(frame), split), frame[USER], frame[ITEM]],
        names=["split", USER, ITEM],
    )
    return pd.Series((frame["predicted"] - frame[RATING]).to_numpy(), index=keys)
