"""The table of a sweep's jobs, the best first, and means over folds and seeds."""

import json
from pathlib import Path

import pandas as pd
import yaml

from cfexp.config.identity import is_repeat, telling
from cfexp.tracking.folder import SKIPPED

ERRORS = ("val_rmse", "test_rmse", "test_mae")
COLUMNS = (
    *ERRORS,
    "skill_vs_bias",
    "best_epoch",
    "n_parameters",
    "seconds_fit",
)
# What to leave out first where room is short.
SPARE = ("seconds_fit", "n_parameters", "best_epoch", "skill_vs_bias")
FINISHED, BEFORE = "finished", "finished before"


def leaderboard(folder: Path, objective: str) -> pd.DataFrame:
    """Returns one row for each job of a sweep, the best first, failed ones last.

    Args:
        folder: The sweep's folder, with a folder of each job in it.
        objective: The metric to sort by, lowest first.

    Returns:
        A data frame with ``job``, its overrides, ``status``, metrics and ``folder``.
    """
    rows = []
    for said in sorted(folder.glob("*/.hydra/overrides.yaml")):
        job = said.parents[1]
        overrides = telling(yaml.safe_load(said.read_text()))
        results = job / "results" / "metrics.json"
        metrics = json.loads(results.read_text()) if results.exists() else {}
        rows.append(
            {
                "job": " ".join(overrides) or job.name,
                "status": _status(job) if metrics else "failed",
                **{name: metrics.get(name) for name in COLUMNS},
                "folder": job.name,
            }
        )
    first = ["job", "status", objective]
    columns = [*first, *(c for c in COLUMNS if c != objective), "folder"]
    board = pd.DataFrame(rows, columns=columns).astype({c: float for c in COLUMNS})
    return board.sort_values(objective, na_position="last", ignore_index=True)


def _status(job: Path) -> str:
    return BEFORE if (job / SKIPPED).exists() else FINISHED


def without_shared(board: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Returns a leaderboard without the overrides that all jobs share, and those."""
    jobs = [job.split(" ") for job in board["job"]]
    shared = [o for o in jobs[0] if all(o in job for job in jobs)] if jobs[1:] else []
    kept = [" ".join(o for o in job if o not in shared) for job in jobs]
    if not all(kept):  # a job that has nothing of its own would have no name
        return board, ""
    return board.assign(job=kept), " ".join(shared)


def means_over_repeats(board: pd.DataFrame) -> pd.DataFrame:
    """Returns means and deviations over jobs that differ by fold and seed only.

    Args:
        board: What `leaderboard` returned.

    Returns:
        One row for each group of more than one finished job, the best first.
    """
    finished = board[board["status"].isin([FINISHED, BEFORE])]
    names = [
        " ".join(o for o in job.split() if not is_repeat(o)) or "all jobs"
        for job in finished["job"]
    ]
    stats = finished.groupby(names)[list(ERRORS)].agg(["mean", "std", "size"])
    stats = stats[stats[(ERRORS[0], "size")] > 1].sort_values((ERRORS[0], "mean"))
    flat = stats.index.to_frame(index=False, name="jobs")
    flat["n"] = stats[(ERRORS[0], "size")].to_numpy()
    for name in ERRORS:
        flat[f"mean {name}"] = stats[(name, "mean")].to_numpy()
        flat[f"std {name}"] = stats[(name, "std")].to_numpy()
    return flat
