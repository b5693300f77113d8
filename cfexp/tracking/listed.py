"""A run as people list it, from MLflow or from its folder; imports no MLflow."""

import json
import re
import socket
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cfexp.errors import ConfigError
from cfexp.runtime import job_status
from cfexp.runtime.locks import is_free
from cfexp.spec import TARGET
from cfexp.tracking.folder import Past
from cfexp.tracking.tags import (
    DATASET,
    ERROR,
    FOLDER,
    KIND,
    MODEL,
    OVERRIDES,
    PARENT,
    PRUNED,
    SPLIT,
    owner_of,
)

if TYPE_CHECKING:
    from mlflow.entities import Run

COLUMNS = ("model=", "dataset=", "split=")
ParamsOf = Callable[[Mapping[str, Any]], Mapping[str, str]]


def status_of(run: "Run") -> str:
    """Returns ``running``, ``finished``, ``failed``, ``pruned`` or ``stopped``.

    A run that was killed at once is still running for MLflow; it is stopped if its lock
    is free, which is known on the machine that it ran on.
    """
    tags, status = run.data.tags, run.info.status
    if PRUNED in tags:
        return job_status.PRUNED
    host, lock = owner_of(tags)
    ours = lock if host == socket.gethostname() else None
    if status == "RUNNING" and ours and (not ours.exists() or is_free(ours)):
        return job_status.STOPPED
    return job_status.STOPPED if status == "KILLED" else str(status.lower())


@dataclass(frozen=True)
class Listed:
    """A run, of any kind and status.

    Attributes:
        run_id: Its id; None for a folder of a run that is not tracked.
        name: Its name.
        status: What `status_of` returns.
        started: When it was started.
        seconds: How long it took; None while it runs, and for a folder.
        params: Its parameters.
        metrics: Its metrics.
        tags: Its tags.
        artifacts: Where its files are.
    """

    run_id: str | None
    name: str
    status: str
    started: datetime
    seconds: float | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    artifacts: str = ""

    @classmethod
    def of(cls, run: "Run") -> "Listed":
        """Returns a run of MLflow."""
        info = run.info
        ended = info.end_time
        return cls(
            run_id=str(info.run_id),
            name=info.run_name or "",
            status=status_of(run),
            started=datetime.fromtimestamp(info.start_time / 1000),
            seconds=(ended - info.start_time) / 1000 if ended else None,
            params=dict(run.data.params),
            metrics=dict(run.data.metrics),
            tags=dict(run.data.tags),
            artifacts=info.artifact_uri,
        )

    @classmethod
    def of_folder(cls, folder: Path, params: ParamsOf) -> "Listed":
        """Returns the run of a folder.

        Args:
            folder: The folder.
            params: Makes parameters of the configuration in it.

        Raises:
            ConfigError: It holds none that is finished.
        """
        results = folder.expanduser().absolute() / "results"
        try:
            past = Past.load(str(folder), results)
            started = datetime.fromtimestamp(results.stat().st_mtime)
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"the folder {folder} holds no finished run (results/metrics.json,"
                " config.yaml and tags.json). Give the folder of one, or a run id"
            ) from error
        name = " ".join(_overrides(past.tags)) or str(past.tags.get(MODEL, folder))
        about = (params(past.config), past.metrics, past.tags, str(results))
        return cls(None, name, job_status.FINISHED, started, None, *about)

    @property
    def reference(self) -> str:
        """What commands find the run by: its id, or else its folder."""
        return self.run_id or self.folder

    @property
    def short(self) -> str:
        """The beginning of its id, or else its folder."""
        return self.run_id[:8] if self.run_id else self.folder

    @property
    def kind(self) -> str:
        """``train``, ``evaluate``, ``sweep`` or ``cv``."""
        return self.tags.get(KIND, "")

    @property
    def model(self) -> str:
        """The model family."""
        return self.tags.get(MODEL, "")

    @property
    def dataset(self) -> str:
        """Name of the dataset."""
        return self.tags.get(DATASET, "")

    @property
    def split(self) -> str:
        """Name of the split; of its class, in runs of before."""
        return self.tags.get(SPLIT, "")

    @property
    def parent_id(self) -> str | None:
        """Id of the parent run."""
        return self.tags.get(PARENT)

    @property
    def folder(self) -> str:
        """The folder that it was written to."""
        return self.tags.get(FOLDER, "")

    @property
    def error(self) -> str | None:
        """Why it failed."""
        return self.tags.get(ERROR)

    @property
    def overrides(self) -> list[str]:
        """The overrides that it was started with."""
        return _overrides(self.tags)

    def as_data(self) -> dict[str, Any]:
        """Returns everything but the tags, for JSON."""
        named = ("kind", "model", "dataset", "split", "parent_id", "folder", "error")
        return {
            "run_id": self.run_id,
            "name": self.name,
            "status": self.status,
            "started": self.started.isoformat(timespec="seconds"),
            "seconds": self.seconds,
            **{name: getattr(self, name) for name in named},
            "params": dict(self.params),
            "metrics": dict(self.metrics),
        }


def flat(config: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Returns settings as flat texts such as ``model.l2``; a class as its name."""
    found: dict[str, str] = {}
    for key, value in config.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{prefix}{key}.")
        elif key == TARGET:
            found[f"{prefix}name"] = str(value).rpartition(".")[2]
        else:
            found[f"{prefix}{key}"] = str(value)
    return found


def labels(runs: Sequence[Listed]) -> list[str]:
    """Returns a label for each run: its model, and options that differ.

    Those that all runs on the same dataset share are left out, and so are groups that
    tables have columns for.
    """
    by_data: dict[str, list[set[str]]] = {}
    for run in runs:
        by_data.setdefault(run.dataset, []).append(set(run.overrides))
    shared = {
        name: set.intersection(*own) if own[1:] else set()
        for name, own in by_data.items()
    }
    return [_label(run, shared[run.dataset]) for run in runs]


def _label(run: Listed, shared: Collection[str]) -> str:
    own = [o for o in run.overrides if o not in shared and not o.startswith(COLUMNS)]
    # Without their groups: ``embed_dim=8 fold=1``.
    short = [re.sub(r"^\+*\w+\.(?=[^=]*=)", "", override) for override in own]
    if not run.model:
        return " ".join([run.name, *short])
    # A name that was given, rather than made from the overrides.
    is_given = "=" not in run.name and run.name != run.model
    given = [f"{run.name}:"] if is_given else []
    return " ".join([*given, run.model, *short])


def _overrides(tags: Mapping[str, str]) -> list[str]:
    """Returns the overrides of a run's tags; a sweep has them as a text."""
    text = tags.get(OVERRIDES, "[]")
    try:
        found = json.loads(text)
    except ValueError:
        return text.split()
    return [str(one) for one in found] if isinstance(found, list) else []
