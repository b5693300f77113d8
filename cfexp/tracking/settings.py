"""Options of tracking, checked before MLflow is imported."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import ClassVar

from cfexp.evaluation.objective import BY_RMSE, Objective
from cfexp.spec import Spec

SCHEMES = (
    *("sqlite", "http", "https", "postgresql", "mysql", "mssql"),
    *("file", "databricks", "databricks-uc"),
)
SQLITE = "sqlite:///"
MAX_NAME = 256  # length of a registered model's name in MLflow's database


class Tracking(Spec):
    """Where to track runs.

    Attributes:
        enabled: False to save results only in the run's folder.
        uri: MLflow tracking URI: ``sqlite:///file``, or a server's address.
        experiment: Name of the MLflow experiment, created if it does not exist.
        register_as: Name to register the trained model under; not registered if None.
        git_diff: Save the uncommitted changes of the user's repository with each run.
        plots: Save a picture with each run; None: with single runs, not with the jobs
            of a sweep or of repeats, of which ``cfexp show RUN --plots`` draws one.
    """

    group: ClassVar[str] = "tracking"

    enabled: bool = True
    uri: str = "sqlite:///mlflow.db"
    experiment: str = "cfexp"
    register_as: str | None = None
    git_diff: bool = True
    plots: bool | None = None

    @property
    def absolute_uri(self) -> str:
        """The URI, with an absolute path if it names a SQLite file."""
        # A URI with parameters is not a plain path, and not changed.
        if not self.uri.startswith(SQLITE) or "?" in self.uri:
            return self.uri
        return f"{SQLITE}{Path(self.uri.removeprefix(SQLITE)).absolute()}"

    def problems(self) -> list[str]:
        found = []
        if not _is_known(self.uri):
            found.append(
                "uri must look like sqlite:///mlflow.db or http://localhost:5000. Got:"
                f" {self.uri!r}"
            )
        if self.uri.startswith("sqlite:") and _is_in_memory(self.uri):
            found.append(
                f"uri must name a file, such as sqlite:///mlflow.db: {self.uri} would"
                " not be saved; set tracking=none if that is meant"
            )
        if not self.experiment.strip():
            found.append("experiment must not be empty. Got: ''")
        if self.register_as is not None and not is_model_name(self.register_as):
            found.append(
                "register_as must be a name of a registered model: up to 256 characters"
                f" without / and :, or null for none. Got: {self.register_as!r}"
            )
        return found


def _is_known(uri: str) -> bool:
    """Returns whether MLflow or one of its plugins supports a URI."""
    if uri == "databricks":
        return True
    scheme, separator, _ = uri.partition("://")
    return bool(separator) and scheme.partition("+")[0] in (*SCHEMES, *_plugins())


@cache
def _plugins() -> tuple[str, ...]:
    """Returns the schemes of MLflow's plugins; looking for them takes 10 ms."""
    return tuple(one.name for one in entry_points(group="mlflow.tracking_store"))


def _is_in_memory(uri: str) -> bool:
    path = uri.partition("?")[0].removeprefix("sqlite:").lstrip("/")
    return not path or ":memory:" in uri or "mode=memory" in uri


def is_model_name(name: str) -> bool:
    """Returns whether MLflow accepts a name for a registered model."""
    return (
        name.strip() not in ("", ".", "..")
        and len(name) <= MAX_NAME
        and not set(name) & set("/:")
    )


@dataclass(frozen=True)
class Choice:
    """The criteria of ``run_id=best``.

    Attributes:
        by: The validation metric.
        required: Parameters and tags that the run must have, see
            `cfexp.runs.metadata.required_of`.
    """

    by: Objective = BY_RMSE
    required: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class NewRun:
    """An MLflow run to open.

    Attributes:
        name: Its name.
        tags: Its tags.
        folder: The folder of its files, and of its record if logging fails.
        parent_id: Id of its parent run.
    """

    name: str
    tags: Mapping[str, str]
    folder: Path
    parent_id: str | None = None
