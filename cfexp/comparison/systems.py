"""Systems: the runs of one configuration on several folds and seeds."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
import pandas as pd

from cfexp.config.identity import repeated_options
from cfexp.data.ratings import ITEM, RATING, USER
from cfexp.evaluation.metric import Metric
from cfexp.evaluation.objective import ERRORS
from cfexp.evaluation.rows import (
    PREDICTED,
    VALUE,
    by_user,
    mean_by_user,
    values_by_user,
)
from cfexp.evaluation.significance import UserErrors, UserMeasures, UserValues
from cfexp.tracking.search import Run, predictions, ranking_of, test_rows
from cfexp.tracking.tags import SPLIT_SHA256

T = TypeVar("T")


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


def measured(
    compared: Sequence[System], metric: str, own: Metric | None = None
) -> tuple[UserErrors | UserMeasures | UserValues, int | None]:
    """Returns a metric of the systems by user.

    Args:
        compared: The systems.
        metric: One of `ERRORS`, or a measure of ranking such as
            ``ranking/full_ndcg_10``, or the name of `own`.
        own: A metric of one's own, a mean over rows.

    Returns:
        The systems' errors, summed by user, on the rows that all have tested, and the
        number of distinct rows that any of them has tested; or the measures of the
        users that all have ranked for, and None.

    Raises:
        CfexpError: A run's predictions or measures are missing, there is no common row
            or user, or the metric is no mean over rows.
    """
    names = [system.name for system in compared]
    if own:
        of_rows = partial(_values, name=metric, own=own)
        return values_by_user(names, _read(compared, of_rows))
    if metric in ERRORS:
        return by_user(names, _read(compared, predictions))
    return mean_by_user(
        names, _read(compared, partial(ranking_of, metric=metric))
    ), None


def _values(run: Run, name: str, own: Metric) -> pd.DataFrame:
    """Returns a run's test rows, with the metric of each."""
    rows = test_rows(run)
    given = (rows[column].to_numpy(np.float64) for column in (RATING, PREDICTED))
    return rows[[USER, ITEM, RATING]].assign(**{VALUE: own.of_rows(name, *given)})


def _read(compared: Sequence[System], read: Callable[[Run], T]) -> list[list[T]]:
    """Returns what is read of each run, by system."""
    # In parallel, since a server has a latency for each file.
    with ThreadPoolExecutor(8) as pool:
        found = iter(list(pool.map(read, [r for one in compared for r in one.runs])))
    return [[next(found) for _ in system.runs] for system in compared]
