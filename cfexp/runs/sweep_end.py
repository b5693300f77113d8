"""The end of a sweep: its leaderboard, in files, on the console and in its run."""

from pathlib import Path
from typing import TYPE_CHECKING

from cfexp.runs.standing import go_on
from cfexp.runtime import owned
from cfexp.runtime.job_status import DONE, PRUNED
from cfexp.runtime.output import near
from cfexp.runtime.result import conclude
from cfexp.tracking.tags import BEST_OVERRIDES, NOTE

if TYPE_CHECKING:
    import pandas as pd

    from cfexp.evaluation.objective import Objective
    from cfexp.tracking.parent import ParentRun

BOARD, JSON = "leaderboard.csv", "leaderboard.json"


class SweepEnd:
    """The jobs of a sweep that has ended.

    Args:
        folder: The sweep's folder.
        objective: The metric by which its best job is chosen.
        parent_id: Id of its parent run; None without tracking.
    """

    def __init__(self, folder: Path, objective: "Objective", parent_id: str | None):
        from cfexp.runs.leaderboard import leaderboard

        self.folder, self.objective, self.parent_id = folder, objective, parent_id
        self.board = leaderboard(folder, objective)

    @property
    def finished(self) -> "pd.DataFrame":
        """The finished jobs, the best first."""
        return self.board[self.board["status"].isin(DONE)]

    def write(self) -> None:
        """Writes the leaderboard, and and a page if there are enough jobs."""
        if self.board.empty:
            return
        results = self.folder / "results"
        with owned.writing(self.folder, [BOARD], fix=owned.OTHER_SWEEP):
            self.board.to_csv(self.folder / BOARD, index=False)
        with owned.writing(results, [JSON], fix=owned.OTHER_SWEEP):
            # In the format of MLflow's tables, for its UI.
            self.board.to_json(results / JSON, orient="split", index=False)
        from cfexp.evaluation.importance import MIN_JOBS

        if len(self.finished) >= MIN_JOBS:
            from cfexp.runs.sweep_page import write_page

            write_page(self.finished, self.objective, self.folder)

    def show(self) -> None:
        """Prints the leaderboard, means over folds and seeds, and what to do next."""
        from cfexp.reports.leaderboard import SPARE
        from cfexp.runs.leaderboard import (
            by_option,
            means_over_repeats,
            without_shared,
        )
        from cfexp.runtime.console import console, print_frame, print_lines

        if self.board.empty:
            return
        short, shared = without_shared(self.board)
        shown = by_option(short, room=console().width // 2)
        if len(self.finished):
            # Models that learn to rank have no errors, some others no best epoch.
            shown = shown.dropna(axis="columns", how="all")
            print_frame(f"leaderboard, by {self.objective.name}", shown, spare=SPARE)
        means = means_over_repeats(short, self.objective)
        if len(means):
            print_frame("over folds and seeds", means)
        lines = [("all with", shared)] if shared else []
        if worse := int((self.finished["skill_vs_bias"] < 0).sum()):
            text = (
                f"{worse} of {len(self.finished)} predict worse than the bias baseline"
            )
            lines.append(("warning", f"{text}: do not use them"))
        lines.append(("folder", near(self.folder)))
        if self.parent_id:
            lines.append(("run_id", f"{self.parent_id}, the sweep's parent run"))
        if self.parent_id and len(self.finished) > 1:
            next_step = (
                "cfexp compare --sweep latest: which is better, and is it chance?"
            )
            lines.append(("next", next_step))
        print_lines(lines)

    def log(self, parent: "ParentRun") -> None:
        """Logs the leaderboard and the best job to the parent run."""
        from cfexp.reports.description import of_sweep
        from cfexp.runs.leaderboard import best_and_means

        results, finished = self.folder / "results", self.finished
        if self.board.empty:
            return
        tags = {NOTE: of_sweep(finished, len(self.board) - len(finished))}
        if finished.empty:
            parent.log(tags=tags, files=results)
            return
        tags[BEST_OVERRIDES] = str(finished.iloc[0]["job"])
        parent.log(
            metrics=best_and_means(finished, self.objective), tags=tags, files=results
        )

    def conclude(self) -> None:
        """Prints the sweep's result, if ``-q`` or ``--json`` ask for it."""
        if self.board.empty:  # refused before any job was started
            return
        jobs = self.board.to_dict(orient="records")
        found = {"folder": self.folder, "run_id": self.parent_id}
        count = f"{len(self.finished)} of {len(jobs)} jobs finished"
        if pruned := int((self.board["status"] == PRUNED).sum()):
            count += f", {pruned} pruned"
        where = f"{count} ({near(self.folder)})"
        line = where
        if len(self.finished):
            best = self.finished.iloc[0]
            errors = [self.objective.name, self.objective.tested]
            numbers = ", ".join(f"{name} {best[name]:.4f}" for name in errors)
            line = f"best of {where}: {best['job']}, {numbers}"
        conclude(line, found | {"objective": self.objective.name, "jobs": jobs})

    def how_to_go_on(self, standing: str) -> list[str]:
        """Returns where a sweep that was stopped stands, and how to go on."""
        return [standing, go_on(is_tracked=self.parent_id is not None)]
