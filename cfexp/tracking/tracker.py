"""The entry to tracking: opens and finds runs; imports MLflow only if it is used."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Protocol

import pandas as pd

from cfexp.tracking.null import NullRun
from cfexp.tracking.preflight import check_reachable
from cfexp.tracking.settings import Choice, NewRun, Tracking
from cfexp.tracking.unsynced import Record
from cfexp.training.history import Epoch

if TYPE_CHECKING:
    from cfexp.tracking.find import SavedModel
    from cfexp.tracking.folder import Past
    from cfexp.tracking.parent import ParentRun
    from cfexp.tracking.previous import Earlier


class Run(Protocol):
    """The interface of a run, see `cfexp.tracking.run.MlflowRun`."""

    name: str

    @property
    def run_id(self) -> str | None:
        """The run's id; None if tracking is off."""

    def __enter__(self) -> "Run": ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

    def log_start(
        self,
        *,
        params: Mapping[str, Any],
        inputs: Mapping[str, tuple[str, str, str]],
    ) -> None:
        """Logs parameters and data, before training."""

    def log_epoch(self, epoch: Epoch) -> None:
        """Logs an epoch."""

    def log_results(
        self,
        metrics: Mapping[str, float],
        folder: Path,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Logs final metrics and tags, and all files of `folder`."""

    def record_finished(self, tags: Mapping[str, str] | None = None) -> None:
        """Saves a record of the finished run, in case this process dies meanwhile."""

    def log_model(
        self, folder: Path, *, example: pd.DataFrame, note: str
    ) -> Callable[[], Callable[[], Any]]:
        """Logs a saved predictor; the result waits for it and returns what loads it."""


def check_tracking(tracking: Tracking) -> None:
    """Checks quickly, without MLflow, that the tracking server can be used.

    Raises:
        TrackingError: It cannot be used.
    """
    if tracking.enabled:
        check_reachable(tracking.uri)


def open_run(tracking: Tracking, new: NewRun, resume_id: str | None = None) -> Run:
    """Opens an MLflow run, or a `NullRun` if tracking is off.

    Args:
        tracking: Where to track.
        new: The run to open.
        resume_id: Id of a run to resume instead.

    Raises:
        CfexpError: The tracking server cannot be used, or the folder holds another run.
    """
    Record.check_free(new.folder, resume_id)
    if not tracking.enabled:
        return NullRun(new.name, new.folder)
    from cfexp.tracking.run import MlflowRun

    return MlflowRun(tracking, new, resume_id)


def open_parent(
    tracking: Tracking, new: NewRun, *, kind: str, key: str | None
) -> "ParentRun | None":
    """Opens a parent run; returns None if tracking is off.

    See `cfexp.tracking.parent.ParentRun`.

    Raises:
        TrackingError: The tracking server cannot be used.
    """
    if not tracking.enabled:
        return None
    check_reachable(tracking.uri)
    from cfexp.tracking.parent import ParentRun

    return ParentRun(tracking, new, kind=kind, key=key)


def find_earlier(
    tracking: Tracking, key: str, *, lock: Path, parent_id: str | None
) -> "Earlier | None":
    """Finds a run of the same job, see `cfexp.tracking.previous.find_earlier`."""
    if not tracking.enabled:
        return None
    from cfexp.tracking import previous

    return previous.find_earlier(tracking, key, lock=lock, parent_id=parent_id)


def find_model(reference: str, *, tracking: Tracking, choice: Choice) -> "SavedModel":
    """Finds a trained model, see `cfexp.tracking.find.find`.

    Raises:
        TrackingError: There is no such model.
    """
    if not Path(reference).expanduser().is_dir():
        check_reachable(tracking.uri, existing=True)  # before MLflow is imported
    from cfexp.tracking.find import find

    return find(reference, tracking=tracking, choice=choice)


def find_members(
    runs: Sequence[str] | Literal["all"] | None,
    *,
    tracking: Tracking,
    data_fingerprint: str,
    split_fingerprint: str,
) -> "list[tuple[SavedModel, Path]]":
    """Finds runs to stack, see `cfexp.tracking.find.find_members`.

    Raises:
        TrackingError: There are fewer than two runs, or one has no validation
            predictions.
    """
    from cfexp.tracking import find

    return find.find_members(
        runs,
        tracking=tracking,
        data_fingerprint=data_fingerprint,
        split_fingerprint=split_fingerprint,
    )


def find_past(reference: str, *, tracking: Tracking, choice: Choice) -> "Past":
    """Finds a finished training, see `cfexp.tracking.find.find_past`.

    Raises:
        TrackingError: There is no such run, or it lacks a file.
    """
    from cfexp.tracking import find

    return find.find_past(reference, tracking=tracking, choice=choice)


def annotate(
    tracking: Tracking, run_id: str, *, tags: dict[str, str], file: Path
) -> None:
    """Adds tags and a file to a run."""
    from cfexp.tracking import find

    find.annotate(tracking, run_id, tags=tags, file=file)
