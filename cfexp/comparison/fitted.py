"""How many rows the systems of a comparison were fitted to."""

import math
from collections.abc import Sequence

from cfexp.comparison.systems import System
from cfexp.evaluation.names import ROWS

# As folds differ by a few rows.
EQUAL = 1.01
FEW = 3  # systems that are named


def fitted_to(systems: Sequence[System]) -> list[tuple[str, str]]:
    """Returns a line on how many rows systems were fitted to; none if equally many."""
    found: dict[int, list[str]] = {}
    for system in systems:
        rows = [run.data.metrics.get(f"{ROWS}fitted", math.nan) for run in system.runs]
        mean = sum(rows) / len(rows)
        if math.isnan(mean):
            return []  # runs of before
        found.setdefault(round(mean), []).append(system.name)
    if max(found) <= EQUAL * min(found):
        return []
    each = [f"{rows:,} ({_first(found[rows])})" for rows in sorted(found, reverse=True)]
    said = (
        f"{'; '.join(each)} rows. More of them lower errors: training.refit=true fits"
        " neural models to validation rows, too, as bias and bayes are"
    )
    return [("fitted to", said)]


def _first(names: Sequence[str]) -> str:
    more = [f"{len(names) - FEW} more"] if len(names) > FEW else []
    return ", ".join([*names[:FEW], *more])
