"""The runs of a comparison, and the mean metrics of its systems."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pandas as pd

from cfexp.comparison.systems import System
from cfexp.evaluation.names import BASELINES
from cfexp.reports.leaderboard import ranked
from cfexp.tracking.tags import DATASET, SPLIT


def runs_of(systems: Sequence[System]) -> pd.DataFrame:
    """Returns a row for each run: data, start, errors, and those of the baselines."""
    baselines = sorted(
        {
            name
            for system in systems
            for run in system.runs
            for name in run.data.metrics
            if name.startswith(BASELINES) and name.endswith("_rmse")
        }
    )
    rows = [
        {
            "system": system.name,
            "run": run.info.run_id,
            "dataset": run.data.tags.get(DATASET, ""),
            "split": run.data.tags.get(SPLIT, ""),
            "started": day(run.info.start_time),
            "val RMSE": run.data.metrics.get("val_rmse"),
            "test RMSE": run.data.metrics.get("test_rmse"),
            **{
                f"{name.removeprefix(BASELINES).removesuffix('_rmse')} RMSE": (
                    run.data.metrics.get(name)
                )
                for name in baselines
            },
        }
        for system in systems
        for run in system.runs
    ]
    table = pd.DataFrame(rows)
    errors = {column: float for column in table if str(column).endswith(" RMSE")}
    return table.astype(errors)


def leaderboard(systems: Sequence[System]) -> pd.DataFrame:
    """Returns the mean metrics of each system, the lowest validation RMSE first."""
    rows = []
    for system in systems:
        metrics = pd.DataFrame([run.data.metrics for run in system.runs])
        # A metric that a run lacks has no mean.
        means = metrics.mean(skipna=False).to_dict()
        rows.append({**means, "system": system.name, "runs": len(metrics)})
    return ranked(rows, names=("system", "runs"))


def varied_options(systems: Sequence[System]) -> pd.DataFrame:
    """Returns the options in which the systems differ, a row for each system.

    An option that a model does not have is missing in its row.
    """
    params = pd.DataFrame([system.runs[0].data.params for system in systems])
    kept = {c: params[c] for c in params if params[c].nunique() > 1}
    # Options that say the same in other words, such as embed_dim and model.embed_dim.
    found = pd.DataFrame(kept).T.drop_duplicates().T
    return found.drop(columns=["split.fold", "seed"], errors="ignore")


def day(milliseconds: int) -> str:
    """Returns a time of MLflow as text."""
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d %H:%M} UTC"
