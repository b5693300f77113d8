"""The comparison as one self-contained HTML file."""

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from cfexp.comparison.fitted import fitted_to
from cfexp.comparison.runs_table import leaderboard, runs_of, varied_options
from cfexp.comparison.systems import System
from cfexp.comparison.verdict import (
    columns_explained,
    in_words,
    sentences,
    verdict,
)
from cfexp.evaluation.significance import p_text
from cfexp.reports.html_table import sortable
from cfexp.reports.interactive import curves, differences, interactive_page
from cfexp.reports.parallel import BRUSHING, parallel_coordinates
from cfexp.tracking.search import validation_curve
from cfexp.tracking.tags import DATASET, SPLIT

if TYPE_CHECKING:
    from bokeh.plotting import figure

MAX_CURVES = 20
MAX_SENTENCES = 20


def write_report(
    path: Path,
    title: str,
    table: pd.DataFrame,
    systems: Sequence[System],
    *,
    maximise: bool,
) -> None:
    """Writes the verdict, the differences, the leaderboard, curves and runs.

    Args:
        path: The file.
        title: Title of the page.
        table: One row for each system, as in ``compare.csv``.
        systems: The systems, in the table's order.
        maximise: Whether a higher value of the metric is better.
    """
    metric = str(table.columns[2])
    best_first = table.sort_values(metric, ascending=not maximise)
    said = best_first.assign(p=best_first["p"].map(p_text))
    parts: list[str | figure] = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="about">{escape(_about(systems))}</p>',
        _verdict(table, maximise),
        "<h2>Differences</h2>",
        differences(said, in_words(metric)),
        sortable(best_first, name="system", id="differences"),
        _columns(metric, systems, maximise),
        "<h2>Leaderboard, by validation RMSE</h2>",
        *_leaderboard(table, systems),
        *_curves(systems),
        "<h2>Runs</h2>",
        sortable(runs_of(systems)),
    ]
    path.write_text(interactive_page(title, parts))


def _about(systems: Sequence[System]) -> str:
    """Returns a line: what the runs were tested on, and when they were trained."""
    runs = [run for system in systems for run in system.runs]
    named = {
        what: sorted({run.data.tags.get(tag, "") for run in runs})
        for what, tag in (("dataset", DATASET), ("split", SPLIT))
    }
    data = [f"{what} {', '.join(names)}" for what, names in named.items()]
    return "; ".join([*data, f"{len(runs)} runs of {len(systems)} configurations"])


def _verdict(table: pd.DataFrame, maximise: bool) -> str:
    said = sentences(table, maximise=maximise)
    if len(said) > 1:
        said.insert(0, verdict(table, maximise=maximise))
    left = len(said) - MAX_SENTENCES
    lines = "".join(f"<p>{escape(one)}.</p>" for one in said[:MAX_SENTENCES])
    more = f"<p>And {left} more: see the table.</p>" if left > 0 else ""
    return f'<div class="verdict" id="verdict">{lines}{more}</div>'


def _columns(metric: str, systems: Sequence[System], maximise: bool) -> str:
    """Returns what the columns of the table mean; the reference comes first."""
    said = columns_explained(systems[0].name, metric, maximise=maximise)
    said += fitted_to(systems)
    rows = (f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in said)
    return f'<dl class="note">{"".join(rows)}</dl>'


def _leaderboard(
    table: pd.DataFrame, systems: Sequence[System]
) -> "list[str | figure]":
    board = leaderboard(systems)
    rows = sortable(board, name="system", id="leaderboard")
    options = varied_options(systems)
    if options.empty:
        return [rows]
    metric = str(table.columns[2])
    value = board.set_index("system")["val_rmse"]
    found = options.assign(val_rmse=[value[s.name] for s in systems])
    found[f"test {metric}"] = table[metric].to_numpy()
    note = (
        f'<p class="note">{BRUSHING} <span id="leaderboard-count">'
        f"{len(found)} of {len(found)} shown</span></p>"
    )
    return [parallel_coordinates(found, table["system"], "leaderboard"), note, rows]


def _curves(systems: Sequence[System]) -> "list[str | figure]":
    found = [
        (system.name, curve)
        for system in systems[:MAX_CURVES]
        for run in system.runs
        if (curve := validation_curve(run.info.run_id))
    ]
    if not found:
        return []
    title = "<h2>Validation RMSE by epoch</h2>"
    hint = '<p class="note">A click on a name in the legend hides its lines.</p>'
    return [title, hint, curves(found, "validation RMSE")]
