"""What a tracking server did not take of a run, kept in the run's folder."""

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
    """A run that MLflow is to be told of, with what its folder does not say.

    Attributes:
        uri: Where to track it.
        experiment: Name of the experiment.
        register_as: Name to register the model under; None for none.
        name: Name of the run.
        run_id: Its id, where it was opened before the server went away.
        parent_id: The run that it belongs to.
        status: The MLflow status that it ended with.
        tags: Its tags.
        params: Its parameters, as text.
        inputs: Name, fingerprint and profile of its data, by context.
        metrics: Metrics that ``results/metrics.json`` does not hold.
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
        """Reads what `save` wrote.

        Raises:
            TrackingError: It is damaged, or of another version of cfexp.
        """
        try:
            record = cls(**json.loads((folder / FILE).read_text()))
            _ = record.tracking  # checks where to push it
            held = (record.tags, record.params, record.inputs, record.metrics)
            if not all(isinstance(table, dict) for table in held):
                raise TypeError
        # Anything may be in a damaged file.
        except Exception as error:
            reason = "it is not a record of a run"
            if isinstance(error, ConfigError):
                reason = first_line(error)
            raise TrackingError(
                f"{folder / FILE} cannot be used: {reason}. What the run has found is"
                f" in {folder / 'results'} all the same; correct the file, or delete it"
                " and train again"
            ) from error
        return record

    @classmethod
    def check_free(cls, folder: Path, run_id: str | None) -> None:
        """Checks that a folder holds no other run that MLflow is still to be told of.

        Args:
            folder: Where a run is to be written.
            run_id: The run, where it is gone on with.

        Raises:
            TrackingError: It does, and its results would be written over.
        """
        if not (folder / FILE).exists():
            return
        left = cls.load(folder)
        if run_id is None or left.run_id != run_id:
            raise TrackingError(
                f"{folder} holds a run that {left.uri} has not got yet. Push it with:"
                f" cfexp sync {folder}; or choose another folder with hydra.run.dir="
            )

    @staticmethod
    def forget(folder: Path) -> None:
        """Removes what `save` wrote, where there is such a file."""
        (folder / FILE).unlink(missing_ok=True)

    def at(self, uri: str | None) -> "Record":
        """Returns the record for another server, where one is given."""
        return self if uri is None else replace(self, uri=uri, run_id=None)

    @property
    def tracking(self) -> Tracking:
        """Where to track it."""
        return Tracking(
            enabled=True,
            uri=self.uri,
            experiment=self.experiment,
            register_as=self.register_as,
            git_diff=False,  # what there is lies in the run's folder already
        )
