"""The comparison as one self-contained HTML file."""

import html
import io
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from cfexp.comparison.systems import System
from cfexp.comparison.verdict import p_text, runs_of, verdict
from cfexp.reports.leaderboard import ranked
from cfexp.reports.page import data_uri, page
from cfexp.tracking.search import validation_curve

mpl.rcParams["text.parse_math"] = False  # a name may contain a dollar sign
MAX_CURVES = 20


def write_report(
    path: Path, title: str, table: pd.DataFrame, systems: Sequence[System]
) -> None:
    """Writes table, leaderboard, learning curves, parallel coordinates and runs.

    Args:
        path: The file.
        title: Title of the page.
        table: One row for each system, as in ``compare.csv``.
        systems: The systems, in the table's order.
    """
    metric = str(table.columns[2])
    shown = table.assign(p=table["p"].map(p_text)).sort_values(metric)
    parts = [
        f"<p>{html.escape(verdict(table))}.</p>",
        _html(shown),
        "<h2>Leaderboard, by validation RMSE</h2>",
        _html(leaderboard(systems)),
        _image(learning_curves(systems), "Validation RMSE by epoch"),
        _image(parallel_coordinates(table, systems), "Options and test error"),
        "<h2>Runs</h2>",
        _html(runs_of(systems)),
    ]
    heading = f"<h1>{html.escape(title)}</h1>"
    path.write_text(page(title, heading + "".join(parts)))


def _html(table: pd.DataFrame) -> str:
    """Returns a table as HTML; a column of whole numbers has no decimal places."""
    numbers = table.select_dtypes("number")
    whole = {name: bool((numbers[name].dropna() % 1 == 0).all()) for name in numbers}
    styles = {
        name: (lambda v: "" if pd.isna(v) else f"{v:,.0f}")
        if whole[name]
        else _fraction
        for name in whole
    }
    return str(table.to_html(index=False, border=0, na_rep="", formatters=styles))


def _fraction(value: float) -> str:
    return "" if pd.isna(value) else f"{value:,.4f}"


def leaderboard(systems: Sequence[System]) -> pd.DataFrame:
    """Returns the mean metrics of each system, the lowest validation RMSE first."""
    rows = []
    for system in systems:
        metrics = pd.DataFrame([run.data.metrics for run in system.runs])
        # A metric that a run lacks has no mean.
        means = metrics.mean(skipna=False).to_dict()
        rows.append({**means, "system": system.name, "runs": len(metrics)})
    return ranked(rows, names=("system", "runs"))


def learning_curves(systems: Sequence[System]) -> Figure:
    """Returns a plot of the validation RMSE of each system's runs by epoch."""
    figure = Figure(figsize=(9, 4), dpi=100, layout="constrained")
    axes = figure.subplots()
    for i, system in enumerate(systems[:MAX_CURVES]):
        for j, run in enumerate(system.runs):
            curve = validation_curve(run.info.run_id)
            if not curve:
                continue  # a baseline
            axes.plot(
                *zip(*curve, strict=True),
                color=f"C{i % 10}",
                label=system.name if not j else None,
                linewidth=1,
            )
    axes.set(xlabel="epoch", ylabel="validation RMSE")
    axes.spines[["top", "right"]].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if axes.lines:
        figure.legend(frameon=False, fontsize="small", loc="outside right upper")
    return figure


def parallel_coordinates(table: pd.DataFrame, systems: Sequence[System]) -> Figure:
    """Returns a plot with a line for each system through its options and its error.

    Args:
        table: One row for each system; the third column is the error.
        systems: The systems, in the table's order.
    """
    metric = table.columns[2]
    params = pd.DataFrame([system.runs[0].data.params for system in systems])
    varied = [name for name in params if params[name].nunique() > 1]
    columns = {name: params[name] for name in varied if name not in ("split.fold",)}
    columns[metric] = table[metric]
    figure = Figure(figsize=(9, 4), dpi=100, layout="constrained")
    axes = figure.subplots()
    scaled = {name: _heights(values) for name, values in columns.items()}
    lines = np.column_stack([height for height, _ in scaled.values()])
    error = lines[:, -1]
    for line, worse in zip(lines, error, strict=True):
        axes.plot(line, color="C0", alpha=1 - 0.8 * worse, linewidth=1.5)
    for x, (_, ticks) in enumerate(scaled.values()):
        for height, label in ticks:
            axes.annotate(label, (x, height), fontsize="x-small")
    axes.set_xticks(range(len(scaled)), list(scaled), rotation=20, ha="right")
    axes.set_yticks([])
    axes.spines[["top", "right", "left"]].set_visible(False)
    return figure


def _heights(values: pd.Series) -> tuple[np.ndarray, list[tuple[float, str]]]:
    """Returns the values scaled to 0 to 1, and ticks: heights with their labels."""
    numbers = pd.to_numeric(values, errors="coerce")
    if numbers.notna().all():
        low, high = numbers.min(), numbers.max()
        height = ((numbers - low) / ((high - low) or 1)).to_numpy(float)
        return height, [(0.0, f"{low:.4g}"), (1.0, f"{high:.4g}")]
    texts = values.fillna("").astype(str)
    known = sorted(texts.unique())
    step = {text: i / max(len(known) - 1, 1) for i, text in enumerate(known)}
    return texts.map(step).to_numpy(float), [(y, text) for text, y in step.items()]


def _image(figure: Figure, title: str) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    image = data_uri(buffer.getvalue())
    return f'<h2>{title}</h2><img alt="{title}" src="{image}">'
