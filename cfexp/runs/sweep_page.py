"""The page of a sweep, from its leaderboard and from what a search has found."""

from pathlib import Path

import pandas as pd

from cfexp.evaluation.objective import Objective
from cfexp.runs.leaderboard import options_of, without_shared
from cfexp.runtime import owned
from cfexp.runtime.output import near
from cfexp.tracking.folder import IMPORTANCE, SWEEP_PAGE, TRIALS


def write_page(finished: pd.DataFrame, objective: Objective, folder: Path) -> None:
    """Writes the page of a sweep into its ``results/``.

    Args:
        finished: The finished jobs of its leaderboard, the best first.
        objective: The metric by which its best job is chosen.
        folder: The sweep's folder.
    """
    from cfexp.reports.sweep_page import SweepPage  # imports Bokeh

    board, shared = without_shared(finished.reset_index(drop=True))
    results = folder / "results"
    page = SweepPage(
        title=f"Sweep of {len(board)} jobs",
        about=f"all with {shared}; {near(folder)}" if shared else near(folder),
        objective=objective,
        board=board.drop(columns=["status"]),
        options=options_of(board),
        tried=_tried(board, objective.name, results),
        searched=_searched(results),
    )
    with owned.writing(results, [SWEEP_PAGE], fix=owned.OTHER_SWEEP):
        (results / SWEEP_PAGE).write_text(page.html())


def _tried(board: pd.DataFrame, objective: str, results: Path) -> pd.DataFrame:
    """Returns ``trial``, ``job`` and the objective of each job, in their order."""
    if not (results / TRIALS).exists():
        number = pd.to_numeric(board["folder"], errors="coerce")
        found = board[["job", objective]].assign(trial=number)
        return found.sort_values("trial", ignore_index=True)
    trials = pd.read_csv(results / TRIALS)
    trials = trials[trials["state"] == "finished"]
    options = trials.columns[4:]
    jobs = [
        " ".join(f"{o}={row[o]}" for o in options if pd.notna(row[o]))
        for _, row in trials.iterrows()
    ]
    values = {"job": jobs, objective: trials["value"].to_numpy()}
    return pd.DataFrame(values).assign(trial=trials["trial"].to_numpy())


def _searched(results: Path) -> pd.Series | None:
    if not (results / IMPORTANCE).exists():
        return None
    return pd.read_csv(results / IMPORTANCE, index_col="option")["importance"]
