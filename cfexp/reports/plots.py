"""Plots of a run: learning curves, and where the errors lie."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from cfexp.evaluation.breakdown import by_count, error_stats
from cfexp.training.history import History

mpl.use("agg")
mpl.rcParams["text.parse_math"] = False  # a genre may contain a dollar sign

# The files, without .png.
NAMES = (
    "learning_curves",
    "predicted_vs_true",
    "residuals_by_genre",
    "residuals_by_popularity",
)
INK, ACCENT = "#33475b", "#d9632a"


def save_plots(
    folder: Path, *, history: History | None, predictions: pd.DataFrame
) -> None:
    """Writes PNG files into `folder`.

    Args:
        folder: The folder, created if missing.
        history: The epochs of a neural model; None for others.
        predictions: Columns ``rating``, ``predicted``, ``genres`` (joined by ``|``)
            and ``item_count``, the number of the movie's training ratings; one row for
            each test rating.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if history:
        learning_curves(history).savefig(folder / "learning_curves.png")
    predicted_vs_true(predictions).savefig(folder / "predicted_vs_true.png")
    by_genre = error_stats(predictions, predictions["genres"], separator="|")
    residuals(by_genre.rename({"": "(none)"}).sort_values("mean"), "genre").savefig(
        folder / "residuals_by_genre.png"
    )
    residuals(
        by_count(predictions, "item_count"), "training ratings of the movie"
    ).savefig(folder / "residuals_by_popularity.png")


def learning_curves(history: History) -> Figure:
    """Returns a plot of training loss and validation RMSE by epoch."""
    best = history.best
    figure, axes = _figure(
        f"Learning curves: best epoch {best.epoch}, RMSE {best.val_rmse:.4f}"
    )
    epochs = [e.epoch for e in history.epochs]
    axes.plot(epochs, [e.val_rmse for e in history.epochs], color=ACCENT, marker=".")
    axes.axvline(best.epoch, color=ACCENT, linestyle=":")
    axes.set_xlabel("epoch")
    axes.set_ylabel("validation RMSE (stars)", color=ACCENT)
    axes.xaxis.get_major_locator().set_params(integer=True)
    loss = axes.twinx()
    loss.plot(epochs, [e.train_loss for e in history.epochs], color=INK, alpha=0.6)
    loss.set_ylabel("training loss", color=INK)
    loss.spines["top"].set_visible(False)
    return figure


def predicted_vs_true(predictions: pd.DataFrame) -> Figure:
    """Returns a box plot of predictions for each true rating."""
    figure, axes = _figure("Predicted against true rating")
    groups = predictions.groupby("rating")["predicted"]
    ratings = list(groups.groups)[:20]
    width = 0.7 * min(np.diff(ratings), default=1.0)
    axes.boxplot(
        [groups.get_group(r) for r in ratings],
        positions=ratings,
        widths=width,
        manage_ticks=False,
        showfliers=False,
        medianprops={"color": ACCENT},
    )
    axes.plot(ratings, ratings, color=INK, linestyle=":", label="perfect")
    axes.scatter(
        ratings, groups.mean()[ratings], color=ACCENT, zorder=3, label="mean prediction"
    )
    axes.set(xlabel="true rating (stars)", ylabel="predicted rating (stars)")
    axes.legend(frameon=False)
    return figure


def residuals(stats: pd.DataFrame, label: str) -> Figure:
    """Returns a plot of the mean error and its standard error for each line of `stats`.

    Args:
        stats: Columns ``n``, ``mean`` and ``sem``, from `error_stats`.
        label: What the lines are, such as ``genre``.
    """
    figure, axes = _figure(f"Mean error by {label}", wide_labels=True)
    names = [f"{name} ({size:,})" for name, size in stats["n"].items()]
    axes.barh(names, stats["mean"], xerr=stats["sem"].fillna(0), color=INK, height=0.6)
    axes.axvline(0, color=ACCENT)
    axes.set(xlabel="predicted - true (stars)", ylabel=f"{label} (test ratings)")
    axes.tick_params(labelsize=8)
    return figure


def _figure(title: str, *, wide_labels: bool = False):  # type: ignore[no-untyped-def]
    figure = Figure(figsize=(7, 4.2), dpi=100)
    # A fixed layout: computing one takes as long as the rest of the plot.
    axes = figure.add_axes(
        (0.25, 0.13, 0.64, 0.77) if wide_labels else (0.12, 0.13, 0.77, 0.77)
    )
    axes.set_title(title, loc="left", fontweight="bold")
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes
