"""A sweep as one self-contained HTML file: which option mattered, and how."""

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import pandas as pd

from cfexp.evaluation.importance import importance
from cfexp.evaluation.objective import Objective
from cfexp.reports.html_table import sortable
from cfexp.reports.interactive import bars, interactive_page, points
from cfexp.reports.parallel import BRUSHING, parallel_coordinates

if TYPE_CHECKING:
    from bokeh.plotting import figure

EXPLAINED = "share of the variance explained by the option alone (eta squared)"
FANOVA = "importance (fANOVA over the finished trials)"


@dataclass(frozen=True)
class SweepPage:
    """What a sweep has found.

    Attributes:
        title: Title of the page.
        about: What all jobs share.
        objective: The metric by which the best job is chosen.
        board: The finished jobs, the best first: ``job`` and metrics.
        options: The options in which these jobs differ, in the same order.
        tried: Columns ``trial`` and ``value``, in the order in which they were tried.
        searched: The importance of options that a search has found; None for a grid,
            of which it is computed.
    """

    title: str
    about: str
    objective: Objective
    board: pd.DataFrame
    options: pd.DataFrame
    tried: pd.DataFrame
    searched: pd.Series | None

    def html(self) -> str:
        """Returns the page."""
        best, objective = self.board.iloc[0], self.objective.name
        test = self.objective.tested
        errors = [name for name in (test, objective) if name in self.board]
        lines = self.options.join(self.board[list(dict.fromkeys(errors))])
        parts: list[str | figure] = [
            f"<h1>{escape(self.title)}</h1>",
            f'<p class="about">{escape(self.about)}</p>',
            f'<div class="verdict" id="verdict"><p>The best of {len(self.board)} by'
            f" {objective}: {escape(best['job'])}, {best[objective]:.4f}. Whether that"
            " is chance: cfexp compare --sweep RUN.</p></div>",
            *self._importance(),
            "<h2>Jobs</h2>",
        ]
        if len(self.options.columns):
            count = f"{len(lines)} of {len(lines)} shown"
            parts += [
                parallel_coordinates(lines, self.board["job"], "jobs"),
                f'<p class="note">{BRUSHING} <span id="jobs-count">{count}</span></p>',
            ]
        parts += [
            sortable(self.board, name="job", id="jobs"),
            "<h2>In the order in which they were tried</h2>",
            points(self.tried, x="trial", y=objective, name="job"),
        ]
        return interactive_page(self.title, parts)

    def _importance(self) -> "list[str | figure]":
        shares, label = self.searched, FANOVA
        if shares is None:
            shares = importance(self.options, self.board[self.objective.name])
            label = EXPLAINED
        if shares.empty:
            return []
        return ["<h2>Which option mattered</h2>", bars(shares, label)]
