"""What a comparison found, in words, and which runs it is of."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pandas as pd

from cfexp.comparison.systems import System
from cfexp.evaluation.names import BIAS_RMSE
from cfexp.tracking.tags import DATASET, SPLIT

SIGNIFICANT = 0.05


def p_text(p: float) -> str:
    """Returns a p-value as text; empty for the reference, which has none."""
    if pd.isna(p):
        return ""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def verdict(table: pd.DataFrame) -> str:
    """Returns which systems differ significantly from the first one.

    Args:
        table: ``system``, ``difference``, ``low``, ``high`` and ``p`` as numbers; the
            reference comes first.
    """
    reference, others = table["system"].iloc[0], table.iloc[1:]
    sure = (others["low"] > 0) | (others["high"] < 0)
    sure &= others["p"] < SIGNIFICANT
    if not sure.any():
        return f"none differs significantly from {reference}"
    found = []
    for word, below in (("better", True), ("worse", False)):
        names = others["system"][sure & ((others["difference"] < 0) == below)]
        if len(names):
            found.append(f"{word}: {', '.join(names)}")
    return f"significantly different from {reference}: {'; '.join(found)}"


def runs_of(systems: Sequence[System]) -> pd.DataFrame:
    """Returns a row for each run: its data, its start, and the bias baseline's RMSE."""
    rows = [
        {
            "system": system.name,
            "run": run.info.run_id,
            "dataset": run.data.tags.get(DATASET, ""),
            "split": run.data.tags.get(SPLIT, ""),
            "started": _day(run.info.start_time),
            "val RMSE": run.data.metrics.get("val_rmse"),
            "test RMSE": run.data.metrics.get("test_rmse"),
            "bias RMSE": run.data.metrics.get(BIAS_RMSE),
        }
        for system in systems
        for run in system.runs
    ]
    return pd.DataFrame(rows)


def _day(milliseconds: int) -> str:
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d %H:%M} UTC"
