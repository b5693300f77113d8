"""Plots of HTML pages that answer to the mouse; Bokeh draws them in the browser."""

import math
import re
from collections.abc import Sequence

import pandas as pd
from bokeh.embed import components
from bokeh.models import ColumnDataSource, FactorRange, HoverTool, Span, Whisker
from bokeh.palettes import Category10
from bokeh.plotting import figure
from bokeh.resources import Resources

from cfexp.reports.page import page
from cfexp.reports.palette import ACCENT, INK

WIDTH = 980  # pixels
COLORS = Category10[10]
LEGEND = 20  # the most lines that a legend names
TEX = re.compile(r"\$(?=\$)|\\(?=[\[(])")


def plain(text: str) -> str:
    """Returns text that Bokeh does not take for TeX, whose renderer it would load."""
    return TEX.sub("\\g<0>\u200b", text)


def panel(height: int, *, tools: str = "", **how: object) -> figure:
    """Returns an empty plot in the pages' style.

    Args:
        height: In pixels.
        tools: Bokeh's names of tools besides hovering.
        how: Further options of Bokeh's figure.
    """
    made = figure(
        width=WIDTH,
        height=height,
        tools=tools,
        toolbar_location="above" if tools else None,
        sizing_mode="scale_width",
        **how,
    )
    made.toolbar.logo = None
    made.grid.grid_line_alpha = 0.5
    made.outline_line_color = None
    return made


def differences(table: pd.DataFrame, metric: str) -> figure:
    """Returns a plot of each system's difference from the reference, and its interval.

    Args:
        table: Columns ``system``, ``difference``, ``low``, ``high`` and ``p`` (as
            text), the best system first.
        metric: Name of what differs, with its unit.
    """
    names = [plain(name) for name in table["system"]]
    columns = ("difference", "low", "high", "p")
    # No data frame: pandas would warn of how Bokeh takes it.
    source = ColumnDataSource({"system": names, **{c: list(table[c]) for c in columns}})
    made = panel(90 + 24 * len(names), y_range=FactorRange(*names[::-1]))
    # Bokeh would choose a range by the points alone.
    ends = table[["low", "high"]].replace([math.inf, -math.inf], math.nan)
    low, high = float(ends.min(axis=None)), float(ends.max(axis=None))
    margin = 0.05 * (high - low) or 1.0
    made.x_range.start, made.x_range.end = low - margin, high + margin
    made.add_layout(Span(location=0, dimension="height", line_color=ACCENT))
    interval = {"base": "system", "lower": "low", "upper": "high", "source": source}
    made.add_layout(Whisker(**interval, dimension="width", line_color=INK))
    points = made.scatter("difference", "system", source=source, size=9, color=INK)
    shown = [("", "@system"), ("difference", "@difference{+0.0000}")]
    shown += [("95 % interval", "@low{+0.0000} to @high{+0.0000}"), ("p", "@p")]
    made.add_tools(HoverTool(renderers=[points], tooltips=shown))
    made.xaxis.axis_label = f"difference in {metric}; bar: 95 % interval"
    return made


def curves(lines: Sequence[tuple[str, Sequence[tuple[int, float]]]], y: str) -> figure:
    """Returns learning curves; a click on a name in the legend hides its lines.

    Args:
        lines: For each run, its system and its points: epoch and value.
        y: What the values are, with their unit.
    """
    made = panel(360, tools="pan,box_zoom,wheel_zoom,reset")
    color = dict(zip(dict.fromkeys(name for name, _ in lines), _colors(), strict=False))
    drawn = []
    for name, points in lines:
        epochs, values = zip(*points, strict=True)
        source = ColumnDataSource(
            {"epoch": epochs, "value": values, "system": [plain(name)] * len(epochs)}
        )
        how = {"color": color[name], "source": source}
        if list(color).index(name) < LEGEND:
            how["legend_label"] = plain(name)
        made.line("epoch", "value", line_width=1.6, **how)
        drawn.append(made.scatter("epoch", "value", size=5, **how))
    shown = [("", "@system"), ("epoch", "@epoch"), (y, "@value{0.0000}")]
    made.add_tools(HoverTool(renderers=drawn, tooltips=shown))
    made.xaxis.axis_label, made.yaxis.axis_label = "epoch", y
    made.xaxis.ticker.min_interval = 1
    made.legend.click_policy = "hide"
    made.legend.label_text_font_size = "9pt"
    if made.legend:
        made.add_layout(made.legend[0], "right")
    return made


def _colors() -> list[str]:
    return [*COLORS] * 100


def bars(shares: pd.Series, label: str) -> figure:
    """Returns horizontal bars, the largest on top.

    Args:
        shares: A number for each name, the largest first.
        label: What the numbers are.
    """
    names = [plain(str(name)) for name in shares.index]
    source = ColumnDataSource({"name": names, "share": shares.to_numpy()})
    made = panel(90 + 26 * len(names), y_range=FactorRange(*names[::-1]))
    made.hbar("name", right="share", height=0.7, color=INK, source=source)
    made.add_tools(HoverTool(tooltips=[("", "@name"), (label, "@share{0.000}")]))
    made.xaxis.axis_label, made.x_range.start = label, 0
    return made


def points(table: pd.DataFrame, *, x: str, y: str, name: str) -> figure:
    """Returns a point for each row, and the lowest value so far as steps.

    Args:
        table: The rows, in the order of `x`.
        x: Column of the horizontal axis.
        y: Column of the vertical one.
        name: Column to show under the mouse.
    """
    made = panel(300, tools="pan,box_zoom,wheel_zoom,reset")
    columns = {"x": table[x], "y": table[y], "name": table[name].map(plain)}
    source = ColumnDataSource(columns)
    made.step(table[x], table[y].cummin().ffill(), mode="after", color=ACCENT)
    drawn = made.scatter("x", "y", size=7, color=INK, source=source)
    shown = [(x, "@x"), ("", "@name"), (y, "@y{0.0000}")]
    made.add_tools(HoverTool(renderers=[drawn], tooltips=shown))
    made.xaxis.axis_label, made.yaxis.axis_label = x, y
    return made


def interactive_page(title: str, parts: Sequence[str | figure]) -> str:
    """Returns a self-contained HTML page with plots, and with Bokeh's program.

    Args:
        title: Its title, as text.
        parts: Its content: HTML, and plots.
    """
    plots = [part for part in parts if not isinstance(part, str)]
    script, places = components(plots)
    left = iter(places)
    body = "".join(p if isinstance(p, str) else next(left) for p in parts)
    library = Resources("inline", components=["bokeh"]).render_js()
    return page(title, body + library + script)
