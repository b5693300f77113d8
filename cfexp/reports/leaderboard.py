"""The table of trained systems, the best on validation first."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from cfexp.evaluation.names import N_PARAMETERS, SECONDS
from cfexp.evaluation.objective import BY_RMSE, Objective

ERRORS = ("val_rmse", "test_rmse", "test_mae")
METRICS = (*ERRORS, "skill_vs_bias", "best_epoch", "n_parameters", "seconds_fit")
# Columns whose metric has another name.
METRIC_OF = {"n_parameters": N_PARAMETERS, "seconds_fit": f"{SECONDS}fit"}
# Columns to leave out first in a narrow terminal.
SPARE = ("seconds_fit", "n_parameters", "best_epoch", "skill_vs_bias")


def ranked(
    rows: Sequence[Mapping[str, Any]],
    *,
    names: Sequence[str],
    objective: Objective = BY_RMSE,
) -> pd.DataFrame:
    """Returns a row for each system with `METRICS`, sorted by the objective.

    Rows without the objective come last.

    Args:
        rows: Names and metrics of each system; missing metrics become NaN.
        names: The columns of names, which come first.
        objective: The metric to sort by, the best first; its column precedes the other
            metrics, and so does that of the same metric of test rows.
    """
    first = (objective.name, objective.tested)
    metrics = list(dict.fromkeys((*first, *METRICS)))
    named = [METRIC_OF.get(name, name) for name in (*names, *metrics)]
    table = pd.DataFrame(rows, columns=named)
    table.columns = pd.Index([*names, *metrics])
    table = table.astype(dict.fromkeys(metrics, float))
    return table.sort_values(
        objective.name,
        ascending=not objective.maximise,
        na_position="last",
        ignore_index=True,
    )
