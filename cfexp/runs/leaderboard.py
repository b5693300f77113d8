"""The leaderboard of a sweep, and means over folds and seeds."""

import json
from pathlib import Path

import pandas as pd
import yaml

from cfexp.config.identity import effective, is_repeat
from cfexp.evaluation.names import SWEEP
from cfexp.evaluation.objective import BY_RMSE, Objective
from cfexp.reports.leaderboard import ERRORS, ranked
from cfexp.runtime.job_status import (
    BEFORE,
    DONE,
    FAILED,
    FINISHED,
    RUNNING,
    STOPPED,
    JobStatus,
)
from cfexp.tracking.folder import METRICS, SKIPPED

# Width of the lines and padding of a column.
AROUND = 3


def leaderboard(folder: Path, objective: Objective) -> pd.DataFrame:
    """Returns one row for each job of a sweep, the best first, failed ones last.

    Args:
        folder: The sweep's folder, which contains the jobs' folders.
        objective: The metric to sort by.

    Returns:
        Columns ``job`` (its overrides), ``status``, metrics and ``folder``.
    """
    rows = []
    for file in sorted(folder.glob("*/.hydra/overrides.yaml")):
        job = file.parents[1]
        overrides = effective(yaml.safe_load(file.read_text()))
        results = job / "results" / METRICS
        metrics = json.loads(results.read_text()) if results.exists() else {}
        status = _status(job, has_metrics=bool(metrics))
        name = " ".join(overrides) or job.name
        rows.append({**metrics, "job": name, "status": status, "folder": job.name})
    board = ranked(rows, names=("job", "status", "folder"), objective=objective)
    return board[[name for name in board if name != "folder"] + ["folder"]]


def _status(job: Path, *, has_metrics: bool) -> str:
    known = JobStatus.read(job)
    if known:
        # One that still runs was killed.
        state = STOPPED if known.state == RUNNING else known.state
        # What follows a training may have failed after the job had ended.
        return FAILED if state == FINISHED and not has_metrics else state
    if not has_metrics:
        return FAILED
    return BEFORE if (job / SKIPPED).exists() else FINISHED


def without_shared(board: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Returns a leaderboard without the overrides that all jobs share; and these."""
    jobs = [job.split(" ") for job in board["job"]]
    shared = [o for o in jobs[0] if all(o in job for job in jobs)] if jobs[1:] else []
    kept = [" ".join(o for o in job if o not in shared) for job in jobs]
    if not all(kept):  # a job without overrides of its own would have no name
        return board, ""
    return board.assign(job=kept), " ".join(shared)


def by_option(board: pd.DataFrame, *, room: int) -> pd.DataFrame:
    """Returns a leaderboard with a column for each option that varies.

    Where these are too many for the room, the jobs stay in one column.

    Args:
        board: The first result of `without_shared`.
        room: The most characters that the columns may take.
    """
    values = options_of(board).fillna("")
    least = [max(map(len, [*name.split("_"), *v])) for name, v in values.items()]
    texts = board["job"].str.split(" ").explode()
    if not texts.str.contains("=").all() or sum(least) + AROUND * len(least) > room:
        return board
    return pd.concat([values, board.drop(columns="job")], axis=1)


def options_of(board: pd.DataFrame) -> pd.DataFrame:
    """Returns the options of jobs, a column for each, missing where not given.

    Args:
        board: The first result of `without_shared`.
    """
    jobs = [
        dict(o.split("=", 1) for o in j.split(" ") if "=" in o) for j in board["job"]
    ]
    options = list(dict.fromkeys(option for job in jobs for option in job))
    last = [option.rpartition(".")[2] for option in options]
    names = [
        n if last.count(n) == 1 and n not in board else o
        for n, o in zip(last, options, strict=True)
    ]
    values = {
        name: [job.get(option) for job in jobs]
        for name, option in zip(names, options, strict=True)
    }
    return pd.DataFrame(values, index=board.index, dtype=object)


def means_over_repeats(
    board: pd.DataFrame, objective: Objective = BY_RMSE
) -> pd.DataFrame:
    """Returns means and deviations over jobs that differ only by fold and seed.

    Args:
        board: The result of `leaderboard`.
        objective: The metric that it is sorted by.

    Returns:
        One row for each group of more than one finished job, the best first.
    """
    finished = board[board["status"].isin(DONE)]
    names = [
        " ".join(o for o in job.split() if not is_repeat(o)) or "all jobs"
        for job in finished["job"]
    ]
    shown = _known(finished, objective)
    if not shown:
        return pd.DataFrame(columns=["jobs", "n"])
    groups = finished.groupby(names)[shown]
    stats, size = groups.agg(["mean", "std"]), groups.size()
    stats = stats[size.reindex(stats.index) > 1]
    stats = stats.sort_values((shown[0], "mean"), ascending=not objective.maximise)
    flat = stats.index.to_frame(index=False, name="jobs")
    flat["n"] = size[stats.index].to_numpy()
    for name in shown:
        flat[f"mean {name}"] = stats[(name, "mean")].to_numpy()
        flat[f"std {name}"] = stats[(name, "std")].to_numpy()
    return flat


def _known(finished: pd.DataFrame, objective: Objective) -> list[str]:
    """Returns the objective, and the errors that jobs have: rankers have none."""
    names = dict.fromkeys((objective.name, objective.tested, *ERRORS))
    return [n for n in names if n in finished and finished[n].notna().any()]


def best_and_means(
    finished: pd.DataFrame, objective: Objective = BY_RMSE
) -> dict[str, float]:
    """Returns the errors of a sweep's best job, and means over its jobs, as metrics.

    Args:
        finished: The finished jobs of `leaderboard`, the best first.
        objective: The metric that they are sorted by.
    """
    known = _known(finished, objective)
    best, means = finished.iloc[0], finished[known].mean()
    found = {f"{SWEEP}best_{name}": float(best[name]) for name in known}
    return found | {f"{SWEEP}mean_{name}": float(means[name]) for name in known}
