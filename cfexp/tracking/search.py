"""Finds the runs of an experiment or a sweep."""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

import mlflow
import pandas as pd
from mlflow.entities import Run as Run

from cfexp.data.ratings import USER
from cfexp.errors import TrackingError, first_line
from cfexp.evaluation.names import EPOCH, RANKING
from cfexp.evaluation.rows import PREDICTED, read_errors
from cfexp.tracking.choose import FINISHED
from cfexp.tracking.folder import RANKING_USERS, TEST_PREDICTIONS
from cfexp.tracking.references import run_id_of, unknown_run
from cfexp.tracking.tags import INCLUDES, KIND

MAX_RUNS = 1000


def find_runs(
    experiment_id: str,
    *,
    ids: Sequence[str] = (),
    sweep: str | None = None,
    query: str | None = None,
) -> list[Run]:
    """Returns finished trainings, in the order of `ids`, else the newest first.

    Args:
        experiment_id: The MLflow experiment to search.
        ids: Run ids.
        sweep: Id of a sweep's parent run.
        query: A filter in MLflow's search language, such as ``metrics.test_rmse < 1``.

    Raises:
        TrackingError: No run matches, or an id is unknown.
    """
    if ids:
        return [find_run(run_id) for run_id in ids]
    try:
        if sweep:
            found = below(sweep, query, FINISHED)
        else:
            found = _search(experiment_id, FINISHED, query)
    except mlflow.MlflowException as error:
        raise TrackingError(f"cannot search for runs: {first_line(error)}") from error
    if not found:
        raise TrackingError("no finished training matches. cfexp runs lists them")
    return list(found)


def _search(experiment_id: str, *filters: str | None) -> list[Run]:
    return list(
        mlflow.MlflowClient().search_runs(
            [experiment_id],
            " and ".join(f for f in filters if f),
            max_results=MAX_RUNS,
        )
    )


def below(parent: str, query: str | None, status: str | None = None) -> list[Run]:
    """Returns a sweep's runs: of its jobs, their folds, and jobs that it skipped.

    Args:
        parent: Id of the sweep's parent run.
        query: A filter in MLflow's search language.
        status: A filter by status and kind; trainings of any status if None.
    """
    status = status or f"tags.`{KIND}` = 'train'"
    run = mlflow.get_run(parent)
    experiment_id = run.info.experiment_id
    children = f"tags.mlflow.parentRunId = '{parent}'"
    found = _search(experiment_id, status, children, query)
    for group in _search(experiment_id, f"tags.`{KIND}` = 'cv'", children):
        found += below(group.info.run_id, query, status)
    tags = run.data.tags
    used = [t.removeprefix(INCLUDES) for t in tags if t.startswith(INCLUDES)]
    if used:
        listed = ", ".join(f"'{run_id}'" for run_id in used)
        among = f"attributes.run_id IN ({listed})"
        found += _search(experiment_id, status, among, query)
    return found


def find_run(run_id: str) -> Run:
    """Returns a finished training.

    Raises:
        TrackingError: There is no such run, or it is something else.
    """
    client = mlflow.MlflowClient()
    try:
        run = client.get_run(run_id)
    except mlflow.MlflowException as error:
        raise unknown_run(run_id) from error
    if run.data.tags.get(KIND) != "train" or run.info.status != "FINISHED":
        raise TrackingError(
            f"run {run_id} is not a finished training of cfexp: its status is"
            f" {run.info.status}. Choose another."
        )
    return run


def find_sweep(experiment_id: str, sweep: str | None) -> str | None:
    """Returns the id of a sweep's parent run.

    Args:
        experiment_id: The MLflow experiment to search.
        sweep: ``latest``, or what `run_id_of` takes; None for none.

    Raises:
        TrackingError: There is no such run.
    """
    if sweep is None:
        return None
    if sweep != "latest":
        return run_id_of(sweep)
    found = mlflow.MlflowClient().search_runs(
        [experiment_id], "tags.`cfexp.kind` = 'sweep'", max_results=1
    )
    if not found:
        raise TrackingError("there is no sweep yet. Start one with cfexp -m.")
    return str(found[0].info.run_id)


def predictions(run: Run, name: str = TEST_PREDICTIONS) -> pd.DataFrame:
    """Returns the errors of a run's logged predictions, see `read_errors`.

    Raises:
        TrackingError: They are missing.
    """
    try:
        return read_errors(_local(f"{run.info.artifact_uri}/{name}"))
    except Exception as error:
        raise TrackingError(
            f"run {run.info.run_id} has no {name}: {first_line(error)[:200]}. Train it"
            " again with rerun=true"
        ) from error


def test_rows(run: Run) -> pd.DataFrame:
    """Returns a run's logged predictions of test rows, as they are.

    Raises:
        TrackingError: They are missing, or the model learned to rank.
    """
    path = artifact(run.info.artifact_uri, TEST_PREDICTIONS)
    table = pd.DataFrame() if path is None else pd.read_parquet(path)
    if PREDICTED not in table:
        raise TrackingError(
            f"run {run.info.run_id} has no predicted ratings of its test rows. Choose"
            " runs of models that predict ratings"
        )
    return table


def ranking_of(run: Run, metric: str) -> pd.Series:
    """Returns a measure of ranking of each user, by user id.

    Args:
        run: The run.
        metric: The measure, such as ``ranking/full_ndcg_10``.

    Raises:
        TrackingError: The run has not ranked, or not by this measure.
    """
    name = metric.removeprefix(RANKING)
    try:
        table = pd.read_parquet(_local(f"{run.info.artifact_uri}/{RANKING_USERS}"))
    except Exception as error:
        raise TrackingError(
            f"run {run.info.run_id} has not ranked movies. Train it again with"
            " evaluation.ranking=true"
        ) from error
    if name not in table:
        known = ", ".join(f"{RANKING}{one}" for one in table if one != USER)
        raise TrackingError(
            f"run {run.info.run_id} has no {metric} of each user. It has: {known}"
        )
    return table.set_index(USER)[name]


def artifact(where: str, name: str) -> Path | None:
    """Returns a file of a run's artifacts, on this machine; None if it has none.

    Args:
        where: URI of the run's artifacts.
        name: The file.
    """
    try:
        path = Path(_local(f"{where}/{name}"))
    except mlflow.MlflowException:
        return None
    return path if path.exists() else None


def _local(uri: str) -> str:
    """Returns an artifact's path, downloaded if it is not on this machine."""
    parts = urlsplit(uri)
    if parts.scheme in ("", "file"):
        return unquote(parts.path)
    return mlflow.artifacts.download_artifacts(artifact_uri=uri)


def predictions_of(run_id: str, name: str) -> pd.DataFrame:
    """Returns the errors of a run's logged predictions, see `predictions`."""
    return predictions(mlflow.get_run(run_id), name)


def validation_curve(run_id: str) -> list[tuple[int, float]]:
    """Returns a run's epochs so far, with the validation RMSE after each."""
    client = mlflow.MlflowClient()
    history = client.get_metric_history(run_id, f"{EPOCH}val_rmse")
    return sorted((metric.step, metric.value) for metric in history)


def log_files(run_id: str, folder: Path, names: Sequence[str]) -> None:
    """Logs the files of a folder that exist, as artifacts below ``compare/``."""
    for name in names:
        if (folder / name).exists():
            where = str(Path("compare", name).parent)
            mlflow.MlflowClient().log_artifact(run_id, str(folder / name), where)
