"""Systems: the runs of one configuration on several folds and seeds."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pandas as pd

from cfexp.config.identity import repeated_options
from cfexp.evaluation.rows import by_user
from cfexp.evaluation.significance import UserErrors
from cfexp.tracking.search import Run, predictions
from cfexp.tracking.tags import SPLIT_SHA256


@dataclass(frozen=True)
class System:
    """Runs of one configuration, on one or more folds or seeds.

    Attributes:
        name: Model and the options that differ from those of the other systems.
        runs: Its runs, one for each fold and seed.
    """

    name: str
    runs: tuple[Run, ...]

    @property
    def splits(self) -> frozenset[str]:
        """Fingerprints of the splits that it was tested on."""
        return frozenset(run.data.tags[SPLIT_SHA256] for run in self.runs)


def systems(runs: Sequence[Run]) -> list[System]:
    """Groups runs that differ only by fold and seed into systems."""
    grouped: dict[tuple[tuple[str, str], ...], list[Run]] = {}
    for run in runs:
        kept = {k: v for k, v in run.data.params.items() if k not in repeated_options()}
        grouped.setdefault(tuple(sorted(kept.items())), []).append(run)
    # The newest run of each split, fold and seed. Seeds may share a split, for example
    # with split=temporal.
    latest = [
        tuple({_repeat(run): run for run in reversed(group)}.values())
        for group in grouped.values()
    ]
    names = _names([dict(params) for params in grouped])
    return [System(name, group) for name, group in zip(names, latest, strict=True)]


def _repeat(run: Run) -> tuple[str | None, ...]:
    repeated = (run.data.params.get(name) for name in repeated_options())
    return (run.data.tags[SPLIT_SHA256], *repeated)


def _names(params: list[dict[str, str]]) -> list[str]:
    models = [one["model.name"] for one in params]
    table = pd.DataFrame(params).drop(columns="model.name")
    varied = {}
    for model in set(models):
        # The options that differ among systems of the same model.
        same = table[[other == model for other in models]]
        varied[model] = [c for c in table if same[c].nunique(dropna=False) > 1]
    names = []
    for model, params_of in zip(models, params, strict=True):
        own = [f"{c.removeprefix('model.')}={params_of.get(c)}" for c in varied[model]]
        names.append(" ".join([model, *dict.fromkeys(own)]))
    return names


def errors_of(compared: Sequence[System]) -> tuple[UserErrors, int]:
    """Returns the systems' errors, summed by user, on the rows that all have tested.

    Also returns the number of distinct rows that any of them has tested.

    Raises:
        CfexpError: A run's predictions are missing, or there is no common row.
    """
    # In parallel, since a server has a latency for each file.
    with ThreadPoolExecutor(8) as pool:
        frames = iter(
            list(pool.map(predictions, [r for system in compared for r in system.runs]))
        )
    return by_user(
        [system.name for system in compared],
        [[next(frames) for _ in system.runs] for system in compared],
    )
