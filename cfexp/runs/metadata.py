"""The parameters, tags and data inputs that are logged for a run."""

import json
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from hydra.core.override_parser.overrides_parser import OverridesParser

from cfexp.config.identity import effective
from cfexp.data.ratings import Ratings
from cfexp.data.split import Data, Split
from cfexp.experiment import Experiment
from cfexp.models.source import Source
from cfexp.runs.job import Job
from cfexp.runtime.provenance import GitState, versions
from cfexp.tracking.tags import (
    COMMIT,
    DATA_SHA256,
    DATASET,
    DIRTY,
    FOLDER,
    KIND,
    MEMBERS,
    MODEL,
    OVERRIDES,
    SPLIT,
    SPLIT_SHA256,
    VERSIONS,
)

if TYPE_CHECKING:
    from cfexp.training.stacking import Member

# What runs must have in common for their errors to be compared.
DATA = ("dataset", "split", "seed")


def params(experiment: Experiment, source: Source | None = None) -> dict[str, Any]:
    """Returns the logged parameters."""
    found = experiment.params()
    if source:
        # Else a fine-tuned model could have the same parameters as its source.
        found["finetunes"] = len(source.names)
    return found


def required_of(experiment: Experiment, overrides: Sequence[str]) -> dict[str, str]:
    """Returns the parameters and tags of the dataset and split set by overrides.

    Args:
        experiment: The experiment composed from the overrides.
        overrides: The overrides of the command line.

    Returns:
        Parameters and tags of MLflow runs; none for groups that are not overridden.
    """
    parsed = OverridesParser.create().parse_overrides(list(overrides))
    named = {override.key_or_group.partition(".")[0] for override in parsed}
    return of_data(experiment, named & set(DATA))


def of_data(experiment: Experiment, named: Collection[str] = DATA) -> dict[str, str]:
    """Returns parameters and tags of an experiment's dataset, split and seed.

    Args:
        experiment: The experiment.
        named: Which of the three.
    """
    kind = {SPLIT: experiment.split.name}
    return (kind if "split" in named else {}) | {
        key: str(value)
        for key, value in experiment.params().items()
        if key.partition(".")[0] in named
    }


def tags(data: Data, git: GitState | None, *, kind: str, model: str) -> dict[str, str]:
    """Returns the tags that identify a run's data and code."""
    ratings, split = data
    found = {
        KIND: kind,
        MODEL: model,
        DATASET: ratings.name,
        SPLIT: split.name,
        DATA_SHA256: ratings.fingerprint,
        SPLIT_SHA256: split.fingerprint,
    }
    if git:
        found[COMMIT] = git.commit
        found[DIRTY] = str(bool(git.diff or git.untracked)).lower()
    return found | {VERSIONS: json.dumps(versions())}


def job_tags(
    job: Job, data: Data, git: GitState | None, *, members: "Sequence[Member]"
) -> dict[str, str]:
    """Returns all tags of a training.

    Args:
        job: The job.
        data: Its data and split.
        git: State of the user's repository.
        members: The runs that an ensemble stacks.
    """
    found = tags(data, git, kind="train", model=job.experiment.model.name)
    found[FOLDER] = str(job.folder)
    if job.overrides is not None:
        # As JSON, which can be read back whatever the values hold.
        found[OVERRIDES] = json.dumps(effective(job.overrides))
    if members:
        found[MEMBERS] = " ".join(m.name for m in members)
    return found | dict(job.tags)


def inputs(ratings: Ratings, split: Split) -> dict[str, tuple[str, str, str]]:
    """Returns name, fingerprint and profile of the data and of its split."""
    sizes = {part: len(getattr(split, part)) for part in ("train", "valid", "test")}
    profile = {
        "ratings": len(ratings.frame),
        "movies": len(ratings.movies),
        "scale": ratings.scale,
    }
    return {
        "data": (ratings.name, ratings.fingerprint, json.dumps(profile)),
        "split": (
            f"{ratings.name} {split.name}",
            split.fingerprint,
            json.dumps(sizes),
        ),
    }
