"""The picture of a run: learning curves, calibration, and where the errors lie."""

import math
import threading
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from cfexp.evaluation.breakdown import HALF_WIDTH, by_count, calibration, error_stats
from cfexp.reports.palette import ACCENT, INK
from cfexp.training.history import History

mpl.use("agg")
mpl.rcParams["text.parse_math"] = False  # a genre may contain a dollar sign
# Together they save a fifth of the time of a picture.
mpl.rcParams["text.hinting"] = "none"
PNG = {"compress_level": 1}

Place = tuple[float, float, float, float]

# The file, without .png.
NAME = "overview"
INTERVAL = "error bars: 95 % interval"
MAX_GENRES = 20
# Left, bottom, width and height of each panel: computing them takes longer than the
# rest of the plot.
CURVES, CALIBRATION = (0.07, 0.58, 0.4, 0.36), (0.57, 0.58, 0.4, 0.36)
GENRES, POPULARITY = (0.13, 0.07, 0.34, 0.39), (0.63, 0.07, 0.34, 0.39)

# Figures of earlier runs, with and without learning curves: making panels and ticks
# takes longer than drawing anew what differs.
_kept: dict[bool, Figure] = {}
_drawing = threading.Lock()


def save_plots(
    folder: Path, *, history: History | None, predictions: pd.DataFrame
) -> None:
    """Writes the picture into `folder`, as a PNG file.

    Args:
        folder: The folder, created if missing.
        history: The epochs of a neural model; None for others.
        predictions: Columns ``rating``, ``predicted``, ``genres`` (joined by ``|``)
            and ``item_count``, the number of the movie's training ratings; one row for
            each test rating.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _drawing:
        kept = _kept.setdefault(history is not None, _empty())
        figure = overview(history, predictions, kept)
        figure.savefig(folder / f"{NAME}.png", pil_kwargs=PNG)


def overview(
    history: History | None, predictions: pd.DataFrame, figure: Figure | None = None
) -> Figure:
    """Returns the picture of a run; arguments as in `save_plots`.

    Args:
        history: The epochs.
        predictions: The test ratings.
        figure: An empty figure, or one that the function has drawn for another run with
            (or without) a history, which is drawn anew; None for a new one.
    """
    figure = figure or _empty()
    places = (CURVES, CALIBRATION) if history else (CURVES,)
    panels = _panels(figure, (*places, GENRES, POPULARITY))
    if history:
        learning_curves(panels[0], history)
    calibrated(panels[-3], predictions)
    genres = error_stats(predictions, predictions["genres"], separator="|")
    genres = genres.nlargest(MAX_GENRES, "n").rename({"": "(none)"})
    residuals(panels[-2], genres.sort_values("mean"), "genre")
    counts = by_count(predictions, "item_count")
    residuals(panels[-1], counts, "training ratings of the movie")
    return figure


def _empty() -> Figure:
    # Not set later: `savefig` takes the resolution that a figure was made with.
    return Figure(figsize=(10, 7), dpi=90)


def _panels(figure: Figure, places: Sequence[Place]) -> list[Axes]:
    """Returns the figure's panels, without what was drawn before."""
    if not figure.axes:
        for place in places:
            axes = figure.add_axes(place)
            axes.spines[["top", "right"]].set_visible(False)
            axes.tick_params(labelsize=8)
            # Else it would be looked for, from the sizes of all ticks.
            axes.xaxis.set_label_coords(0.5, -0.1)
            axes.yaxis.set_label_coords(-0.1, 0.5)
            axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    for axes in figure.axes:
        for drawn in [*axes.lines, *axes.patches, *axes.collections]:
            drawn.remove()
        axes.containers.clear()
        axes.relim()
        axes.autoscale()
    return figure.axes


def learning_curves(axes: Axes, history: History) -> None:
    """Draws the RMSE of train and validation rows by epoch, on one scale."""
    _title(axes, f"Learning curves: {history.chosen}")
    for name, color in (("train", INK), ("val", ACCENT)):
        points = [(e.epoch, getattr(e, f"{name}_rmse")) for e in history.epochs]
        points = [(x, y) for x, y in points if not math.isnan(y)]
        if points:
            label = "train, while it learns" if name == "train" else "validation"
            axes.plot(*zip(*points, strict=True), color=color, marker=".", label=label)
    if not history.averaged:
        axes.axvline(history.best.epoch, color=ACCENT, linestyle=":")
    axes.set(xlabel="sweep" if history.averaged else "epoch", ylabel="RMSE")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(frameon=False, fontsize=8, loc="upper center")


def calibrated(axes: Axes, predictions: pd.DataFrame) -> None:
    """Draws the mean rating given for each star predicted."""
    _title(axes, "Calibration: rating given, by the star predicted")
    found = calibration(predictions)
    x, y = found["mean predicted"], found["mean given"]
    ends = [min(x.min(), y.min()), max(x.max(), y.max())]
    axes.plot(ends, ends, color=INK, linestyle=":", label="perfect")
    axes.errorbar(
        x,
        y,
        yerr=found[HALF_WIDTH].fillna(0),
        color=ACCENT,
        marker="o",
        capsize=3,
        label=f"this model ({INTERVAL})",
    )
    axes.set(xlabel="mean prediction", ylabel="mean rating")
    axes.legend(frameon=False, fontsize=8, loc="upper left")


def residuals(axes: Axes, stats: pd.DataFrame, label: str) -> None:
    """Draws the mean error and its interval for each line of `stats`.

    Args:
        axes: Where to draw.
        stats: Columns ``n``, ``mean`` and `HALF_WIDTH`, from `error_stats`.
        label: What the lines are, such as ``genre``.
    """
    _title(axes, f"Mean error by {label}")
    names = [f"{name} ({size:,})" for name, size in stats["n"].items()]
    half = stats[HALF_WIDTH].fillna(0)
    at = range(len(names))
    axes.barh(at, stats["mean"], xerr=half, color=INK, ecolor=ACCENT, height=0.6)
    axes.set_yticks(at, names)
    axes.axvline(0, color=ACCENT)
    axes.set_xlabel(f"predicted - true; {INTERVAL}", fontsize=9)


def _title(axes: Axes, text: str) -> None:
    axes.set_title(text, loc="left", y=1.0, fontweight="bold", fontsize=10)
