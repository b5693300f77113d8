"""A run as one self-contained HTML file, with all its plots."""

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import pandas as pd

from cfexp.data.ratings import GENRES
from cfexp.evaluation.breakdown import (
    HALF_WIDTH,
    by_count,
    calibration,
    error_stats,
    rmse_by_count,
)
from cfexp.reports.html_table import sortable
from cfexp.reports.interactive import curves, interactive_page
from cfexp.reports.run_plots import by_group, calibrated, movie_map

if TYPE_CHECKING:
    from bokeh.plotting import figure

ERROR, RMSE = "predicted - true (stars)", "RMSE (stars)"
COUNTS = {
    "user_count": ("activity of the user", "training ratings of the user"),
    "item_count": ("popularity of the movie", "training ratings of the movie"),
}
CURVES = {"train_rmse": "train, while it learns", "val_rmse": "validation"}
MAX_GENRES = 25
NO_STARS = "<p>This model learned to rank: its scores have no error in stars.</p>"


@dataclass(frozen=True)
class MovieMap:
    """Where movies lie by their embeddings.

    Attributes:
        movies: As for `cfexp.reports.run_plots.movie_map`.
        shares: The share of the variance that each axis has.
    """

    movies: pd.DataFrame
    shares: tuple[float, float]


@dataclass(frozen=True)
class RunPage:
    """What the page of a run shows.

    Attributes:
        title: Title of the page.
        about: A line below it.
        verdict: The result, in words.
        epochs: Columns ``epoch``, ``train_rmse``, ``val_rmse`` and ``monitored``; None
            without.
        monitor: What ``monitored`` is.
        test: Columns ``rating``, ``predicted``, ``genres``, ``user_count`` and
            ``item_count``; one row for each test rating. None of a model that learned
            to rank, whose scores are no ratings.
        map: The movies; if there is none, why not, as a sentence.
    """

    title: str
    about: str
    verdict: str
    epochs: pd.DataFrame | None
    monitor: str
    test: pd.DataFrame | None
    map: MovieMap | str

    def html(self) -> str:
        """Returns the page."""
        parts: list[str | figure] = [
            f"<h1>{escape(self.title)}</h1>",
            f'<p class="about">{escape(self.about)}</p>',
            f'<div class="verdict"><p>{escape(self.verdict)}</p></div>',
            *self._curves(),
            *(_errors(self.test) if self.test is not None else [NO_STARS]),
            "<h2>Map of the movies</h2>",
            *self._map(),
        ]
        return interactive_page(self.title, parts)

    def _curves(self) -> "list[str | figure]":
        lines = [(name, self._points(column)) for column, name in CURVES.items()]
        lines = [line for line in lines if line[1]]
        parts: list[str | figure] = [curves(lines, RMSE)] if lines else []
        if points := self._points("monitored"):
            parts.append(curves([("validation", points)], self.monitor))
        return ["<h2>Learning curves</h2>", *parts] if parts else []

    def _points(self, column: str) -> list[tuple[int, float]]:
        """Returns the epochs in which a column has a value."""
        if self.epochs is None or column not in self.epochs:
            return []
        known = self.epochs[["epoch", column]].dropna()
        return list(known.itertuples(index=False, name=None))

    def _map(self) -> "list[str | figure]":
        if isinstance(self.map, str):
            return [f"<p>{escape(self.map)}</p>"]
        note = (
            '<p class="note">The first two principal components of the embeddings of'
            f" the {len(self.map.movies):,} most rated movies: close ones are alike to"
            " the model. The colour is the rarest of a movie's common genres; a click"
            " on a genre in the legend hides its movies.</p>"
        )
        return [note, movie_map(self.map.movies, self.map.shares)]


def _errors(test: pd.DataFrame) -> "list[str | figure]":
    found = calibration(test)
    parts: list[str | figure] = [
        "<h2>Calibration: rating given, by the star predicted</h2>",
        calibrated(found),
        sortable(found),
    ]
    for column, (title, label) in COUNTS.items():
        mean, root = by_count(test, column), rmse_by_count(test, column)
        table = mean.rename(columns={"n": "rows", "mean": "mean error"})
        table["RMSE"], table[f"RMSE {HALF_WIDTH}"] = root["RMSE"], root[HALF_WIDTH]
        parts += [
            f"<h2>Error by {title}</h2>",
            by_group(root, "RMSE", label, unit=RMSE),
            by_group(mean, "mean", label, unit=ERROR),
            sortable(table.rename_axis(label).reset_index().astype({label: str})),
        ]
    stats = error_stats(test, test[GENRES], separator="|")
    stats = stats.nlargest(MAX_GENRES, "n").sort_values("mean", ascending=False)
    title = "<h2>Mean error by genre</h2>"
    return [*parts, title, by_group(stats, "mean", "genre", unit=ERROR)]
