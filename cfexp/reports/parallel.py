"""Parallel coordinates (Inselberg, 1985) of options and errors, to be brushed."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from bokeh.events import Reset, SelectionGeometry
from bokeh.models import BoxSelectTool, ColumnDataSource, CustomJS, HoverTool, Span
from bokeh.palettes import Viridis256
from bokeh.plotting import figure

from cfexp.reports.interactive import panel, plain
from cfexp.reports.palette import ACCENT

BRUSH = Path(__file__).with_name("brush.js")
BRUSHING = (
    "Each line is a configuration, dark where the last axis is low. Drag over a stretch"
    " of an axis to keep the lines, and the rows below, that cross it; several axes can"
    " be marked. The round arrow above the plot shows all again."
)
APART = 0.045  # the least distance of ticks
LOG_FROM = 100  # ratio of the largest to the smallest value of an axis on a log scale
MISSING, NONE = -0.15, "none"  # where lines without a value pass
DARK = 200  # of 256 colours, the last one to be used: lighter ones are hard to see


@dataclass(frozen=True)
class Axis:
    """One axis.

    Attributes:
        heights: Where each line crosses it, from 0 to 1; `MISSING` without a value.
        ticks: Heights and their texts.
    """

    heights: npt.NDArray[np.float64]
    ticks: list[tuple[float, str]]


def axis(values: pd.Series) -> Axis:
    """Returns the axis of a column: numbers by size, texts in alphabetical order.

    Numbers above 0 that differ by a factor of `LOG_FROM` are on a logarithmic scale.
    """
    known = values.notna() & (values.astype(str) != "None")
    numbers = pd.to_numeric(values.where(known), errors="coerce")
    if known.any() and numbers[known].notna().all():
        height, ticks = _numbers(numbers)
    else:
        texts = values.where(known).astype(str)
        order = sorted(texts[known].unique())
        step = {text: i / max(len(order) - 1, 1) for i, text in enumerate(order)}
        height, ticks = texts.map(step), [(y, text) for text, y in step.items()]
    if not known.all():
        ticks = [(MISSING, NONE), *ticks]
    found = height.where(known, MISSING).to_numpy(np.float64)
    return Axis(found, ticks)


def _numbers(values: pd.Series) -> tuple[pd.Series, list[tuple[float, str]]]:
    low, high = values.min(), values.max()
    is_log = low > 0 and high / low >= LOG_FROM
    scale = np.log if is_log else np.asarray
    start, wide = scale(low), (scale(high) - scale(low)) or 1.0
    shown = np.unique(values.dropna())
    if len(shown) > 1 and np.diff(scale(shown)).min() / wide < APART:
        shown = (np.geomspace if is_log else np.linspace)(low, high, 5)
    at = (scale(shown) - start) / wide
    texts = [f"{value:.4g}" for value in shown]
    height = pd.Series((scale(values) - start) / wide, index=values.index)
    return height, list(zip(at.tolist(), texts, strict=True))


def parallel_coordinates(table: pd.DataFrame, names: pd.Series, rows: str) -> figure:
    """Returns a plot with a line for each system through its options and errors.

    A stretch of an axis that the mouse marks keeps the lines that cross it; several
    axes can be marked. Other lines fade, and their rows of a table vanish.

    Args:
        table: A row for each system, a column for each axis; the last one colours the
            lines, dark where it is low.
        names: The systems' names, for the mouse, and ``data-name`` of the table's rows.
        rows: Id of the table.
    """
    axes = [axis(table[column]) for column in table]
    made = panel(420, tools="reset", y_range=(-0.25, 1.12))
    for x in range(len(axes)):
        made.add_layout(Span(location=x, dimension="height", line_color="#b8c2cc"))
    lines = _lines(axes, table, names)
    drawn = made.multi_line(
        "xs", "ys", source=lines, color="color", line_alpha="alpha", line_width=2
    )
    shown = [("", "@name"), *((c, f"@{{{c}}}") for c in table)]
    made.add_tools(HoverTool(renderers=[drawn], tooltips=shown, line_policy="nearest"))
    _ticks(made, axes, list(table))
    _brush(made, lines, axes, rows)
    return made


def _lines(axes: list[Axis], table: pd.DataFrame, names: pd.Series) -> ColumnDataSource:
    heights = np.column_stack([one.heights for one in axes])
    shade = np.nan_to_num(heights[:, -1].clip(0, 1)) * DARK
    said = {c: ["" if pd.isna(v) else str(v) for v in table[c]] for c in table}
    return ColumnDataSource(
        {
            **said,
            "xs": [list(range(len(axes)))] * len(table),
            "ys": heights.tolist(),
            "color": [Viridis256[int(i)] for i in shade],
            "alpha": [0.85] * len(table),
            "name": [plain(name) for name in names],
            "row": list(names),
        }
    )


def _ticks(made: figure, axes: list[Axis], names: list[str]) -> None:
    at = [(x, y, text) for x, one in enumerate(axes) for y, text in one.ticks]
    x, y, texts = zip(*at, strict=True)
    made.text(
        x, y, [plain(text) for text in texts], x_offset=6, y_offset=4,
        text_font_size="9pt", text_color="#24303c",
        background_fill_color="white", background_fill_alpha=0.6,
    )  # fmt: skip
    made.xaxis.ticker = list(range(len(axes)))
    made.xaxis.major_label_overrides = {x: plain(n) for x, n in enumerate(names)}
    made.xaxis.major_label_text_font_size = "10pt"
    made.x_range.start, made.x_range.end = -0.2, len(axes) - 0.4
    made.yaxis.visible = False
    made.grid.visible = False


def _brush(made: figure, lines: ColumnDataSource, axes: list[Axis], rows: str) -> None:
    sides = ("left", "right", "bottom", "top")
    brushes = ColumnDataSource({side: [] for side in sides})
    made.quad(*sides, source=brushes, color=ACCENT, fill_alpha=0.25)
    heights = [one.heights.tolist() for one in axes]
    how = {"lines": lines, "brushes": brushes, "heights": heights, "table": rows}
    after = CustomJS(args=how, code=BRUSH.read_text())
    select = BoxSelectTool(renderers=[])
    made.add_tools(select)
    made.toolbar.active_drag = select
    made.js_on_event(SelectionGeometry, after)
    made.js_on_event(Reset, after)
