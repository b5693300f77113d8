"""What a tracking server did not take of a run, kept in the run's folder."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

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
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(asdict(self), indent=2)
        path = folder / FILE
        path.touch(mode=0o600)  # the URI may hold a password
        path.chmod(0o600)
        path.write_text(text)

    @classmethod
    def load(cls, folder: Path) -> "Record":
        """Reads what `save` wrote."""
        return cls(**json.loads((folder / FILE).read_text()))

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
        )
