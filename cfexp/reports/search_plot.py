"""The plot of a search: its trials, and which option mattered."""

import pandas as pd
from matplotlib.figure import Figure

from cfexp.reports.plots import ACCENT, INK


def search_plot(trials: pd.DataFrame, importance: pd.Series) -> Figure:
    """Returns a plot of the trials' results, and of the importance of options.

    Args:
        trials: Columns ``trial``, ``state`` (``finished`` or ``pruned``) and ``value``.
        importance: The importance of each option, the largest first; may be empty.
    """
    panels = 1 if importance.empty else 2
    figure = Figure(figsize=(5.5 * panels, 4), layout="constrained")
    axes = figure.subplots(1, panels, squeeze=False)[0]
    pruned = trials["state"] == "pruned"
    for which, style in ((~pruned, {"color": INK}), (pruned, {"color": "#b8c2cc"})):
        rows = trials[which]
        label = "pruned" if style["color"] != INK else "finished"
        axes[0].scatter(rows["trial"], rows["value"], s=18, label=label, **style)
    best = trials["value"].where(~pruned).cummin().ffill()
    axes[0].step(trials["trial"], best, where="post", color=ACCENT, label="best so far")
    axes[0].set(xlabel="trial", ylabel="validation error", title="Trials")
    axes[0].legend()
    if panels == 2:
        last_first = importance[::-1]
        axes[1].barh(last_first.index, last_first.to_numpy(), color=INK)
        axes[1].set(xlabel="share of the differences", title="Importance of options")
    return figure
