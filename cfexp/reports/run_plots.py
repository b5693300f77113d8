"""The interactive plots of a run: calibration, errors of groups, a map of movies."""

import math
from collections.abc import Sequence

import pandas as pd
from bokeh.models import ColumnDataSource, FactorRange, HoverTool, Span, Whisker
from bokeh.palettes import Category10
from bokeh.plotting import figure

from cfexp.evaluation.breakdown import HALF_WIDTH
from cfexp.reports.interactive import panel, plain
from cfexp.reports.palette import ACCENT, INK

INTERVAL = "bar: 95 % interval"
GENRES = 9  # that each have a colour
OTHER, GREY = "other", "#c3cad1"
COLORS = [color for color in Category10[10] if color != "#7f7f7f"]


def calibrated(found: pd.DataFrame) -> figure:
    """Returns a plot of the mean rating given for each star predicted.

    Args:
        found: What `cfexp.evaluation.breakdown.calibration` returns.
    """
    x, y, half = found["mean predicted"], found["mean given"], found[HALF_WIDTH]
    made = panel(340)
    ends = [min(x.min(), y.min()), max(x.max(), y.max())]
    made.line(ends, ends, color=INK, line_dash="dotted", legend_label="perfect")
    source = ColumnDataSource(
        {
            "x": x.tolist(),
            "y": y.tolist(),
            "low": (y - half.fillna(0)).tolist(),
            "high": (y + half.fillna(0)).tolist(),
            "rows": found["rows"].tolist(),
        }
    )
    made.add_layout(
        Whisker(base="x", lower="low", upper="high", source=source, line_color=ACCENT)
    )
    made.line("x", "y", color=ACCENT, source=source)
    drawn = made.scatter("x", "y", size=8, color=ACCENT, source=source)
    shown = [("mean prediction", "@x{0.00}"), ("mean rating", "@y{0.00}")]
    shown += [("95 % interval", "@low{0.00} to @high{0.00}"), ("rows", "@rows{0,0}")]
    made.add_tools(HoverTool(renderers=[drawn], tooltips=shown))
    made.xaxis.axis_label = "mean prediction (stars)"
    made.yaxis.axis_label = f"mean rating given (stars); {INTERVAL}"
    made.legend.location = "top_left"
    return made


def by_group(stats: pd.DataFrame, value: str, label: str, *, unit: str) -> figure:
    """Returns a point and its interval for each group of rows.

    Args:
        stats: Columns ``n``, `value` and `HALF_WIDTH`, by group.
        value: The column to draw: ``mean``, whose 0 is marked, or ``RMSE``.
        label: What the groups are.
        unit: What the values are, with their unit.
    """
    names = [plain(str(name)) or "(none)" for name in stats.index]
    half = stats[HALF_WIDTH].fillna(0)
    source = ColumnDataSource(
        {
            "name": names,
            "value": stats[value].tolist(),
            "low": (stats[value] - half).tolist(),
            "high": (stats[value] + half).tolist(),
            "rows": stats["n"].tolist(),
        }
    )
    made = panel(90 + 22 * len(names), y_range=FactorRange(*names[::-1]))
    if value == "mean":
        made.add_layout(Span(location=0, dimension="height", line_color=ACCENT))
    # Bokeh would choose a range by the points alone.
    ends = [*(stats[value] - half), *(stats[value] + half)]
    margin = 0.05 * (max(ends) - min(ends)) or 0.1
    made.x_range.start, made.x_range.end = min(ends) - margin, max(ends) + margin
    interval = {"base": "name", "lower": "low", "upper": "high", "source": source}
    made.add_layout(Whisker(**interval, dimension="width", line_color=INK))
    drawn = made.scatter("value", "name", source=source, size=8, color=INK)
    shown = [(label, "@name"), (unit, "@value{0.000}")]
    shown += [("95 % interval", "@low{0.000} to @high{0.000}"), ("rows", "@rows{0,0}")]
    made.add_tools(HoverTool(renderers=[drawn], tooltips=shown))
    made.xaxis.axis_label, made.yaxis.axis_label = f"{unit}; {INTERVAL}", label
    return made


def main_genres(genres: pd.Series) -> pd.Series:
    """Returns one genre for each movie: the rarest of its genres that are common.

    Args:
        genres: Each movie's genres, joined by ``|``.

    Returns:
        One of the `GENRES` commonest, or `OTHER`.
    """
    each = genres.fillna("").str.split("|", regex=False)
    size = each.explode().value_counts().drop("", errors="ignore")
    common = size.head(GENRES)
    return each.map(
        lambda own: min((g for g in own if g in common), key=common.get, default=OTHER)
    )


def movie_map(movies: pd.DataFrame, shares: Sequence[float]) -> figure:
    """Returns a map of movies: those that a model takes for alike are close.

    Args:
        movies: Columns ``x``, ``y``, ``title``, ``genres`` (joined by ``|``) and
            ``count``, the number of training ratings.
        shares: The share of the embeddings' variance that each axis has.
    """
    made = panel(560, tools="pan,box_zoom,wheel_zoom,reset")
    main = main_genres(movies["genres"])
    order = [g for g in main.value_counts().index if g != OTHER]
    colors = dict(zip(order, COLORS, strict=False))
    most = math.sqrt(max(movies["count"].max(), 1))
    drawn = []
    for genre in [OTHER, *order]:
        own = movies[main == genre]
        if own.empty:
            continue
        source = ColumnDataSource(
            {
                "x": own["x"].tolist(),
                "y": own["y"].tolist(),
                "title": [plain(str(title)) for title in own["title"]],
                "genres": [plain(str(names)) for names in own["genres"]],
                "count": own["count"].tolist(),
                "size": (4 + 10 * own["count"] ** 0.5 / most).tolist(),
            }
        )
        how = {"color": colors.get(genre, GREY), "legend_label": plain(genre)}
        style = {"fill_alpha": 0.75, "line_color": None, "source": source}
        drawn.append(made.scatter("x", "y", size="size", **style, **how))
    shown = [("", "@title"), ("genres", "@genres"), ("training ratings", "@count{0,0}")]
    made.add_tools(HoverTool(renderers=drawn, tooltips=shown))
    for axis, n, share in zip((made.xaxis, made.yaxis), (1, 2), shares, strict=True):
        axis.axis_label = f"component {n} ({share:.0%} of the variance)"
    made.legend.click_policy = "hide"
    made.add_layout(made.legend[0], "right")
    return made
