"""Records of runs that are not completely logged, saved in the runs' folders."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from cfexp.errors import ConfigError, TrackingError, first_line
from cfexp.runtime.files import write_text
from cfexp.tracking.settings import Tracking

FILE = "unsynced.json"


@dataclass(frozen=True, kw_only=True)
class Record:
    """A run to be logged to MLflow, with everything that its other files do not hold.

    Attributes:
        uri: The tracking URI.
        experiment: Name of the experiment.
        register_as: Name to register the model under; None for none.
        name: Name of the run.
        run_id: Its id; None if it could not be opened.
        parent_id: Id of its parent run.
        status: The MLflow status that it ended with.
        tags: Its tags.
        params: Its parameters, as text.
        inputs: Name, fingerprint and profile of its data, by context.
        metrics: Metrics besides those in ``results/metrics.json``.
    """

    uri: str
    experiment: str
    register_as: str | None
    name: str
    run_id: str | None
    parent_id: str | None
    status: str
    tags: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, tuple[str, str, str]] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)

    def save(self, folder: Path) -> None:
        """Writes the record into a run's folder."""
        text = json.dumps(asdict(self), indent=2)
        write_text(folder / FILE, text, private=True)  # the URI may hold a password

    @classmethod
    def load(cls, folder: Path) -> "Record":
        """Reads a record written by `save`.

        Raises:
            TrackingError: It is damaged, or from another version of cfexp.
        """
        try:
            record = cls(**json.loads((folder / FILE).read_text()))
            _ = record.tracking  # raises if an option is wrong
            tables = (record.tags, record.params, record.inputs, record.metrics)
            if not all(isinstance(table, dict) for table in tables):
                raise TypeError
        # A damaged file can raise any error.
        except Exception as error:
            reason = "it is not a record of a run"
            if isinstance(error, ConfigError):
                reason = first_line(error)
            raise TrackingError(
                f"{folder / FILE} cannot be used: {reason}. Correct the file, or delete"
                " it and train again; the results of the run are still in"
                f" {folder / 'results'}"
            ) from error
        return record

    @classmethod
    def check_free(cls, folder: Path, run_id: str | None) -> None:
        """Checks that a folder holds no other run that is not yet logged to MLflow.

        Args:
            folder: The folder of a new or resumed run.
            run_id: Id of the run to resume, if any.

        Raises:
            TrackingError: It does, and that run's results would be overwritten.
        """
        if not (folder / FILE).exists():
            return
        other = cls.load(folder)
        if run_id is None or other.run_id != run_id:
            raise TrackingError(
                f"{folder} holds a run that is not yet logged to {other.uri}. Push it"
                f" with: cfexp sync {folder}; or choose another folder with"
                " hydra.run.dir="
            )

    @staticmethod
    def forget(folder: Path) -> None:
        """Removes the record of a folder, if there is one."""
        (folder / FILE).unlink(missing_ok=True)

    def at(self, uri: str | None) -> "Record":
        """Returns the record for another server, if `uri` is not None."""
        return self if uri is None else replace(self, uri=uri, run_id=None)

    @property
    def tracking(self) -> Tracking:
        """The tracking settings."""
        return Tracking(
            enabled=True,
            uri=self.uri,
            experiment=self.experiment,
            register_as=self.register_as,
            git_diff=False,  # it is in the run's folder already
        )
