"""The groups of systems that were tested on the same rows."""

from collections.abc import Sequence

import pandas as pd

from cfexp.comparison.systems import System
from cfexp.config.choices import option_name
from cfexp.errors import ConfigError
from cfexp.tracking.tags import DATASET, SPLIT

DIGITS = 8
Groups = dict[str, list[System]]


def tested_alike(systems: Sequence[System]) -> Groups:
    """Returns systems by the first digits of the fingerprints of their test rows."""
    found: Groups = {}
    for system in systems:
        found.setdefault(rows_of(system), []).append(system)
    return found


def rows_of(system: System) -> str:
    """Returns `DIGITS` digits that say which splits a system was tested on.

    Of one split, they are the first of its fingerprint.
    """
    each = max(DIGITS // len(system.splits), 1)
    return "".join(one[:each] for one in sorted(system.splits))[:DIGITS]


def chosen(systems: Sequence[System], rows: str) -> list[System]:
    """Returns the systems that were tested on some rows.

    Args:
        systems: The systems.
        rows: The first digits of what `rows_of` returns.

    Raises:
        ConfigError: There is none.
    """
    found = [system for system in systems if rows_of(system).startswith(rows)]
    if not found:
        known = ", ".join(tested_alike(systems))
        raise ConfigError(f"--rows={rows} fits none of these runs. There are: {known}")
    return found


def group_table(groups: Groups) -> pd.DataFrame:
    """Returns a line for each group: its rows, dataset, split, seeds and sizes."""
    rows = []
    for digits, systems in groups.items():
        runs = [run for system in systems for run in system.runs]
        tags = runs[0].data.tags
        rows.append(
            {
                "rows": digits,
                "dataset": tags.get(DATASET),
                "split": option_name("split", tags.get(SPLIT, "")),
                "seed": _listed({r.data.params.get("seed") for r in runs}),
                "fold": _listed({r.data.params.get("split.fold") for r in runs}),
                "systems": len(systems),
                "runs": len(runs),
            }
        )
    table = pd.DataFrame(rows).sort_values("runs", ascending=False, kind="stable")
    return table.loc[:, [c for c in table if (table[c] != "").any()]]


def _listed(values: set[str | None]) -> str:
    return ",".join(sorted(value for value in values if value is not None))
