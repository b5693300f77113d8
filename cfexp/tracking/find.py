"""Finds trained models: by run id, latest, best, registered name or folder."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import mlflow

from cfexp.errors import NoRunsError, TrackingError, did_you_mean, first_line
from cfexp.tracking.choose import CHOSEN, FINISHED, find_id
from cfexp.tracking.connect import connect
from cfexp.tracking.folder import CONFIG, METRICS, TAGS, VALID_PREDICTIONS, Past
from cfexp.tracking.model import uri_of
from cfexp.tracking.settings import Choice, Tracking
from cfexp.tracking.tags import JOB_KEY, MODEL


def find_past(reference: str, *, tracking: Tracking, choice: Choice) -> Past:
    """Returns the configuration, metrics and tags of a finished training.

    Args:
        reference: A run's folder, or what `find_id` takes.
        tracking: Where to search.
        choice: The criteria of ``best``.

    Raises:
        TrackingError: There is no such run, or it lacks a file.
    """
    try:
        if Path(reference).expanduser().is_dir():
            return Past.load(reference, Path(reference).expanduser() / "results")
        experiment_id = connect(tracking, existing=True, searched=reference in CHOSEN)
        run_id = find_id(reference, experiment_id, tracking, choice=choice)
        uri = f"{mlflow.get_run(run_id).info.artifact_uri}/"
        names = (CONFIG, METRICS, TAGS)
        with TemporaryDirectory() as folder:
            for name in names:
                mlflow.artifacts.download_artifacts(
                    artifact_uri=uri + name, dst_path=folder
                )
            return Past.load(run_id, Path(folder))
    except TrackingError:
        raise
    except Exception as error:
        raise TrackingError(
            f"run_id={reference}: there is no finished run of this version of cfexp"
            f" with configuration, metrics and tags: {first_line(error)[:200]}."
            " cfexp runs lists them"
        ) from error


def annotate(
    tracking: Tracking, run_id: str, *, tags: dict[str, str], file: Path
) -> None:
    """Adds tags and a file to a run."""
    connect(tracking)
    for name, value in tags.items():
        mlflow.MlflowClient().set_tag(run_id, name, value)
    mlflow.MlflowClient().log_artifact(run_id, str(file))


@dataclass(frozen=True)
class SavedModel:
    """A trained model that was found.

    Attributes:
        reference: The reference that it was found by.
        run_id: Id of the MLflow run that trained it; None if found by its folder.
        folder: The predictor's folder on this machine.
    """

    reference: str
    run_id: str | None
    folder: Path


def find(reference: str, *, tracking: Tracking, choice: Choice) -> SavedModel:
    """Finds a trained model, and downloads it if needed.

    Args:
        reference: The folder of a run or of its model, ``models:/name/version``, or
            what `find_id` takes.
        tracking: Where to search.
        choice: The criteria of ``best``.

    Raises:
        TrackingError: There is no such model.
    """
    path = Path(reference).expanduser()
    if path.is_dir():
        for folder in (path, path / "model"):
            if (folder / "origin.json").exists():
                return SavedModel(reference, None, folder)
        raise TrackingError(
            f"the folder {reference} holds no trained model (model/origin.json). Give"
            " the folder of a finished run, such as outputs/2026-01-31/12-00-00-0."
        )
    experiment_id = connect(tracking, existing=True, searched=reference in CHOSEN)
    if reference.startswith("models:/"):
        return _download(reference, reference, None)
    run_id = find_id(reference, experiment_id, tracking, choice=choice)
    return _download(reference, None, run_id)


def find_members(
    runs: Sequence[str] | Literal["all"] | None,
    *,
    tracking: Tracking,
    data_fingerprint: str,
    split_fingerprint: str,
) -> list[tuple[SavedModel, Path]]:
    """Finds runs to stack, each with the path of its validation predictions.

    Args:
        runs: Run ids or folders. None: the run with the lowest ``val_rmse`` of each
            model family in the experiment; ``all``: the newest run of each job.
        tracking: Where to search.
        data_fingerprint: Fingerprint of the dataset that the runs were trained with.
        split_fingerprint: Fingerprint of their split.

    Raises:
        TrackingError: There are fewer than two runs, or one has no validation
            predictions.
    """
    if runs is None or runs == "all":
        tag = MODEL if runs is None else JOB_KEY
        try:
            runs = _best_of_each(tag, tracking, data_fingerprint, split_fingerprint)
        except NoRunsError:
            runs = []
    if len(runs) < 2:
        raise TrackingError(
            f"model=ensemble needs two trained runs or more, but {len(runs)} with this"
            f" data, split and seed are in experiment {tracking.experiment!r} of"
            f" {tracking.uri}. Train others first, such as model=dot,svdpp,fm with -m,"
            " or name them: model.runs=[RUN,RUN]."
        )
    found = [find(run, tracking=tracking, choice=Choice()) for run in runs]
    return [(saved, _validation_of(saved)) for saved in found]


def _best_of_each(
    tag: str, tracking: Tracking, data_fingerprint: str, split_fingerprint: str
) -> list[str]:
    """Returns the run with the lowest ``val_rmse`` for each value of a tag."""
    runs = mlflow.search_runs(
        [connect(tracking, existing=True)],
        filter_string=(
            f"{FINISHED} and tags.`cfexp.data_sha256` = '{data_fingerprint}'"
            f" and tags.`cfexp.split_sha256` = '{split_fingerprint}'"
            " and tags.`cfexp.model` != 'ensemble'"
        ),
        order_by=["metrics.val_rmse ASC", "attributes.start_time DESC"],
        output_format="list",
    )
    best: dict[str, str] = {}
    for run in runs:
        if "val_rmse" not in run.data.metrics:
            continue  # it was trained on the validation rows
        best.setdefault(run.data.tags[tag], run.info.run_id)
    return list(best.values())


def _validation_of(saved: SavedModel) -> Path:
    if saved.run_id is None:
        path = saved.folder.parent / "results" / VALID_PREDICTIONS
        if path.exists():
            return path
        reason = f"there is no {path}"
    else:
        uri = f"runs:/{saved.run_id}/{VALID_PREDICTIONS}"
        try:
            return Path(mlflow.artifacts.download_artifacts(artifact_uri=uri))
        except Exception as error:
            reason = first_line(error)[:200]
    raise TrackingError(
        f"model.runs: {saved.reference} has no validation predictions: {reason}. Train"
        " it again with this version of cfexp."
    )


def _download(reference: str, uri: str | None, run_id: str | None) -> SavedModel:
    try:
        uri = uri or uri_of(str(run_id))
        if run_id is None:
            run_id = mlflow.models.get_model_info(uri).run_id
        root = Path(mlflow.artifacts.download_artifacts(artifact_uri=uri))
    except Exception as error:
        recent = mlflow.search_runs(
            search_all_experiments=True, max_results=200, output_format="list"
        )
        ids = [run.info.run_id for run in recent]
        raise TrackingError(
            f"run_id={reference}: there is no such trained model in"
            f" {mlflow.get_tracking_uri()}{did_you_mean(reference, ids)}:"
            f" {first_line(error)[:200]}. cfexp runs lists the runs; or use latest or"
            " best"
        ) from error
    for origin in root.rglob("origin.json"):
        return SavedModel(reference, run_id, origin.parent)
    raise TrackingError(
        f"run_id={reference}: {uri} holds no trained model of cfexp: its files were"
        " deleted, or another program logged it. Use another run, or train it again."
    )
