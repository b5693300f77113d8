"""A training that was asked for, and the key that equal ones share."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cfexp.data.ratings import Ratings
    from cfexp.data.split import Split
from cfexp.config.identity import code_version, digest

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Job:
    """One training that was asked for.

    Attributes:
        specs: The spec of each group of the configuration, by group.
        config: The resolved configuration, as YAML.
        config_key: What equal configurations share, wherever their files are.
        seed: Seed of the split, weights, dropout and the order of rows.
        deterministic: Use only ops that give the same bits each time.
        objective: The metric that is to be low.
        folder: Where the run's files go.
        name: Name of the run.
        overrides: What the user set on the command line.
        parent_id: The MLflow run that this one belongs to.
        once: Use what is finished or begun already, rather than train again.
        tags: Tags of the MLflow run besides cfexp's own.
    """

    specs: Mapping[str, Any]
    config: str
    config_key: str
    seed: int
    deterministic: bool
    objective: str
    folder: Path
    name: str
    overrides: tuple[str, ...] = ()
    parent_id: str | None = None
    once: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)


def job_key(job: Job, ratings: "Ratings", split: "Split") -> str:
    """Returns 16 hex digits that jobs with the same result share.

    They depend on the configuration without paths, the rows and their split, the
    code, and the trained model that is gone on from.
    """
    parts = [
        job.config_key,
        ratings.fingerprint,
        split.fingerprint,
        code_version(tuple(type(spec) for spec in job.specs.values())),
        str(sorted(job.tags.items())),
    ]
    return digest(*parts)
