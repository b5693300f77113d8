"""Chooses runs by model, dataset, split, status, kind and the values of options."""

from collections.abc import Mapping, Sequence

from mlflow.entities import Run

from cfexp.tracking.listed import status_of
from cfexp.tracking.tags import DATASET, KIND, MODEL, SPLIT

# What a run is filtered by, besides its parameters; and the tag that tells it.
TAGS = {"model": MODEL, "dataset": DATASET, "split": SPLIT, "kind": KIND}
STATUS = "status"


def filtered(runs: Sequence[Run], wanted: Mapping[str, Sequence[str]]) -> list[Run]:
    """Returns the runs that have one of the values that are wanted of each name.

    Args:
        runs: The runs.
        wanted: Values by name: ``model``, ``dataset``, ``split``, ``kind``,
            ``status``, or a parameter such as ``model.l2``.
    """
    return [run for run in runs if matches(run, wanted)]


def matches(run: Run, wanted: Mapping[str, Sequence[str]]) -> bool:
    """Returns whether a run has one of the values that are wanted of each name."""
    return all(
        any(_equal(value, known) for value in values for known in _values(run, name))
        for name, values in wanted.items()
    )


def _values(run: Run, name: str) -> list[str]:
    """Returns what a run has under a name; it may be known under two."""
    tags, params = run.data.tags, run.data.params
    if name == STATUS:
        return [status_of(run)]
    if name in TAGS:
        found = [tags.get(TAGS[name]), params.get(f"{name}.name"), params.get(name)]
    else:
        found = [params.get(name), params.get(f"model.{name}")]
    return [value for value in found if value is not None]


def _equal(wanted: str, known: str) -> bool:
    if wanted.lower() == known.lower():
        return True
    try:
        return float(wanted) == float(known)
    except ValueError:
        return False
