"""Opens a run in MLflow, or a stand-in where tracking is off."""

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

import pandas as pd

from cfexp.jobs import alone_in
from cfexp.predictor import Predictor
from cfexp.tracking.reach import check_reachable
from cfexp.tracking.record import Record
from cfexp.tracking.settings import Choice, Tracking
from cfexp.training.history import Epoch

if TYPE_CHECKING:
    from cfexp.tracking.earlier import Earlier
    from cfexp.tracking.group import Group
    from cfexp.tracking.lookup import SavedModel


class Run(Protocol):
    """A tracked run; see `cfexp.tracking.runs.MlflowRun`."""

    name: str

    @property
    def run_id(self) -> str | None:
        """The run's id; None where tracking is off."""

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
        """Logs what is known before training."""

    def log_epoch(self, epoch: Epoch) -> None:
        """Logs an epoch."""

    def log_results(
        self,
        metrics: Mapping[str, float],
        folder: Path,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Logs final metrics and tags, and all files of `folder`."""

    def log_model(self, folder: Path, *, example: pd.DataFrame) -> Any:
        """Logs a saved predictor; returns it loaded again, with ``predict``."""


class NullRun:
    """Logs nothing.

    Args:
        name: Name of the run.
        folder: The run's folder.
    """

    run_id = None

    def __init__(self, name: str, folder: Path):
        self.name = name
        self._holding = ExitStack()
        self._holding.enter_context(alone_in(folder))

    def __enter__(self) -> "NullRun":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._holding.close()

    def log_start(
        self,
        *,
        params: Mapping[str, Any],
        inputs: Mapping[str, tuple[str, str, str]],
    ) -> None:
        """Does nothing."""

    def log_epoch(self, epoch: Epoch) -> None:
        """Does nothing."""

    def log_results(
        self,
        metrics: Mapping[str, float],
        folder: Path,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Does nothing."""

    def log_model(self, folder: Path, *, example: pd.DataFrame) -> Predictor:
        """Returns the saved predictor, loaded again."""
        return Predictor.load(folder)


def check_tracking(tracking: Tracking) -> None:
    """Checks in a moment, without MLflow, that the tracking server can be used.

    Raises:
        TrackingError: It cannot.
    """
    if tracking.enabled:
        check_reachable(tracking.uri)


def open_run(
    tracking: Tracking,
    *,
    name: str,
    tags: Mapping[str, str],
    folder: Path,
    parent_id: str | None = None,
    resume_id: str | None = None,
) -> Run:
    """Opens a run where `tracking` says, without importing MLflow where it is off.

    Raises:
        CfexpError: The tracking server cannot be used, or another run is in `folder`.
    """
    Record.check_free(folder, resume_id)
    if not tracking.enabled:
        return NullRun(name, folder)
    from cfexp.tracking.runs import MlflowRun

    return MlflowRun(
        tracking,
        name=name,
        tags=tags,
        folder=folder,
        parent_id=parent_id,
        resume_id=resume_id,
    )


def open_group(
    tracking: Tracking,
    *,
    kind: str,
    name: str,
    key: str | None,
    tags: Mapping[str, str],
    folder: Path,
    parent_id: str | None = None,
) -> "Group | None":
    """Opens a run above others, or None where tracking is off.

    See `cfexp.tracking.group.Group`.

    Raises:
        TrackingError: The tracking server cannot be used.
    """
    if not tracking.enabled:
        return None
    check_reachable(tracking.uri)
    from cfexp.tracking.group import Group

    return Group(
        tracking,
        kind=kind,
        name=name,
        key=key,
        tags=tags,
        folder=folder,
        parent_id=parent_id,
    )


def find_earlier(
    tracking: Tracking, key: str, *, lock: Path, parent_id: str | None
) -> "Earlier | None":
    """Finds a run of the same job; see `cfexp.tracking.earlier.find_earlier`."""
    if not tracking.enabled:
        return None
    from cfexp.tracking import earlier

    return earlier.find_earlier(tracking, key, lock=lock, parent_id=parent_id)


def find_model(reference: str, *, tracking: Tracking, choice: Choice) -> "SavedModel":
    """Finds a trained model; see `cfexp.tracking.lookup.find`.

    Raises:
        TrackingError: There is no such model.
    """
    if not Path(reference).expanduser().is_dir():
        check_reachable(tracking.uri, existing=True)  # before MLflow is imported
    from cfexp.tracking.lookup import find

    return find(reference, tracking=tracking, choice=choice)


def find_members(
    runs: list[str] | None,
    *,
    tracking: Tracking,
    data_fingerprint: str,
    split_fingerprint: str,
) -> "list[tuple[SavedModel, Path]]":
    """Finds runs to stack; see `cfexp.tracking.lookup.find_members`.

    Raises:
        TrackingError: There are fewer than two, or one has no validation predictions.
    """
    from cfexp.tracking import lookup

    return lookup.find_members(
        runs,
        tracking=tracking,
        data_fingerprint=data_fingerprint,
        split_fingerprint=split_fingerprint,
    )
