"""The table of trained systems, the best on validation first."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

ERRORS = ("val_rmse", "test_rmse", "test_mae")
METRICS = (*ERRORS, "skill_vs_bias", "best_epoch", "n_parameters", "seconds_fit")
# What to leave out first where room is short.
SPARE = ("seconds_fit", "n_parameters", "best_epoch", "skill_vs_bias")


def ranked(
    rows: Sequence[Mapping[str, Any]],
    *,
    names: Sequence[str],
    objective: str = ERRORS[0],
) -> pd.DataFrame:
    """Returns rows with `METRICS`, the lowest objective first, those without it last.

    Args:
        rows: What there is of each system; missing metrics are left empty.
        names: The columns that tell what it is.
        objective: The metric to sort by, the first of the metrics' columns.
    """
    others = [name for name in METRICS if name != objective]
    table = pd.DataFrame(rows, columns=[*names, objective, *others])
    table = table.astype(dict.fromkeys(METRICS, float))
    return table.sort_values(objective, na_position="last", ignore_index=True)
