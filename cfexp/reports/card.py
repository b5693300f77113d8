"""The model card of a run (Mitchell et al., 2019): data, protocol, errors, limits."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
from markdown_it import MarkdownIt

from cfexp.data.ratings import GENRES, RATING, Ratings
from cfexp.data.split import Data, Split
from cfexp.evaluation.breakdown import by_count, calibration, error_stats, worst_cases
from cfexp.evaluation.comparison import Comparison, margin
from cfexp.evaluation.intervals import STD, by_std, coverage
from cfexp.evaluation.names import (
    N_PARAMETERS,
    RATINGS_PER_SECOND,
    SECONDS,
    TRAINING,
    VAL_NDCG,
)
from cfexp.reports.description import of_model
from cfexp.reports.markdown import escaped as _escaped
from cfexp.reports.markdown import table as _table
from cfexp.reports.page import data_uri, page
from cfexp.reports.plots import NAME
from cfexp.reports.ranking_table import in_markdown
from cfexp.training.ranking import Ranking

EPOCH_CHOSEN = "Early stopping and the kept epoch used validation rows only."
NOTHING_CHOSEN = (
    "Nothing was chosen on validation rows: their error is that of a first fit, to the"
    " train rows alone."
)
NOT_VALIDATED = (
    "There is no validation error, since the model that was fine-tuned had been trained"
    " on the validation rows: the last epoch was kept."
)
IMAGE = f"![{NAME}](plots/{NAME}.png)"


@dataclass(frozen=True)
class Card:
    """The content of a model card.

    Attributes:
        title: Name of the run.
        data: The dataset and its split.
        comparison: Errors of the model and of the baselines on the test rows; None of
            a model that learned to rank.
        test: The test predictions, from `cfexp.runs.results.test_predictions`.
        params: The logged parameters.
        metrics: The final metrics, including ``seconds/`` of each stage.
        ranking: How well movies are ranked; None if they were not.
    """

    title: str
    data: Data
    comparison: Comparison | None
    test: pd.DataFrame
    params: Mapping[str, Any]
    metrics: Mapping[str, float]
    ranking: Ranking | None = None

    def write(self, folder: Path) -> None:
        """Writes ``model_card.md`` and the self-contained ``model_card.html``.

        Args:
            folder: The run's ``results/``, with its plots.
        """
        text = self.text(folder)
        (folder / "model_card.md").write_text(text)
        # After rendering, which would take as long as all else for an image's bytes.
        body = _inlined(_markdown().render(text), folder)
        (folder / "model_card.html").write_text(page(self.title, body))

    def text(self, folder: Path) -> str:
        """Returns the card in Markdown; `folder` holds its plots."""
        name = _escaped(str(self.params["model.name"]))
        parts = [
            f"# {_escaped(self.title)}\n",
            f"{of_model(name, self.comparison, self.ranking)}\n",
            _plot(folder),
            "## Data\n",
            _data(*self.data),
            "## Protocol\n",
            *self._results(self.comparison),
            "## Parameters\n",
            _table(pd.DataFrame(self.params.items(), columns=["option", "value"])),
            "## Time\n",
            _time(self.metrics),
        ]
        return "\n".join(part for part in parts if part)

    def _results(self, comparison: Comparison | None) -> list[str]:
        """Returns the parts from the protocol on; those of errors if there are any."""
        test, ranking = (
            self.test,
            in_markdown(str(self.params["model.name"]), self.ranking),
        )
        if comparison is None:
            return [f"{self._chosen()}\n", ranking]
        return [
            _protocol(self.params, comparison.fitted_on, self._chosen()),
            "## Errors and margin over the baselines\n",
            _errors(comparison),
            ranking,
            "## Calibration: ratings given, by the star predicted\n",
            _table(calibration(test)),
            _intervals(test),
            "## Residuals: predicted - true\n",
            "### By genre\n",
            _table(_residuals(error_stats(test, test[GENRES], separator="|"), "genre")),
            "### By popularity of the movie, in training ratings\n",
            _table(_residuals(by_count(test, "item_count"), "ratings")),
            "### By activity of the user, in training ratings\n",
            _table(_residuals(by_count(test, "user_count"), "ratings")),
            "## Worst cases\n",
            _table(worst_cases(test, self.data.ratings.movies)),
        ]

    def _chosen(self) -> str:
        """Returns what was chosen on validation rows."""
        if not any(name.startswith(("val_rmse", VAL_NDCG)) for name in self.metrics):
            return NOT_VALIDATED
        return EPOCH_CHOSEN if "best_epoch" in self.metrics else NOTHING_CHOSEN


@cache
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable("table")


def _data(ratings: Ratings, split: Split) -> str:
    low, high = ratings.scale
    sizes = {part: len(getattr(split, part)) for part in ("train", "valid", "test")}
    rows = {
        "dataset": ratings.name,
        "ratings": f"{len(ratings.frame):,}",
        "users": f"{ratings.n_users:,}",
        "movies rated": f"{ratings.n_items:,}",
        "scale": f"{low:g} to {high:g}",
        "mean rating": f"{ratings.frame[RATING].mean():.3f}",
        "fingerprint": ratings.fingerprint,
        "split": split.name,
        **{f"{part} rows": f"{size:,}" for part, size in sizes.items()},
        "split's fingerprint": split.fingerprint,
    }
    return _table(pd.DataFrame(rows.items(), columns=["", " "]))


def _protocol(params: Mapping[str, Any], fitted_on: str, chosen: str) -> str:
    if params.get("training.refit"):
        chosen += " Then the model was trained again on train and validation rows."
    return (
        f"Test rows were chosen first, validation rows from the rest. {chosen}"
        f" {fitted_on} Ratings of users and movies are counted in the train rows, for"
        " the model and the baselines alike. Errors are over all test rows, cold ones"
        " included, of predictions clipped to the scale.\n"
    )


def _errors(comparison: Comparison) -> str:
    evaluation, baselines = comparison.model, comparison.baselines
    groups = [evaluation.overall, evaluation.user_mean, *evaluation.groups]
    others = {
        name: [b.overall, b.user_mean, *b.groups] for name, b in baselines.items()
    }
    rows = [
        {
            "test rows": group.label,
            "rows": group.rows,
            "RMSE": group.rmse,
            "MAE": group.mae,
            **{f"{name} RMSE": each[i].rmse for name, each in others.items()},
            "margin": f"{margin(group.rmse, others['bias'][i].rmse):+.1%}",
        }
        for i, group in enumerate(groups)
        if group.rows
    ]
    return _table(pd.DataFrame(rows))


def _intervals(test: pd.DataFrame) -> str:
    """Returns how often ratings lie in their intervals; empty if there are none."""
    if STD not in test:
        return ""
    return "\n".join(
        [
            "## Intervals: shares of the ratings that lie in them\n",
            _table(coverage(test)),
            "### By the standard deviation that was predicted\n",
            _table(by_std(test)),
        ]
    )


def _residuals(stats: pd.DataFrame, label: str) -> pd.DataFrame:
    found = stats.rename({"": "(none)"}).rename_axis(label).reset_index()
    return found.rename(columns={"n": "rows", "mean": "mean error"})


def _time(metrics: Mapping[str, float]) -> str:
    rows = [
        (name.removeprefix(SECONDS), f"{value:.2f} s")
        for name, value in metrics.items()
        if name.startswith(SECONDS)
    ]
    rows.append(("trained parameters", f"{metrics[N_PARAMETERS]:,.0f}"))
    for name in (f"{TRAINING}epochs", "best_epoch", RATINGS_PER_SECOND):
        if name in metrics:
            label = name.removeprefix(TRAINING).replace("_", " ")
            rows.append((label, f"{metrics[name]:,.0f}"))
    return _table(pd.DataFrame(rows, columns=["stage", "value"]))


def _plot(folder: Path) -> str:
    return f"{IMAGE}\n" if (folder / "plots" / f"{NAME}.png").exists() else ""


def _inlined(body: str, folder: Path) -> str:
    """Returns HTML with the card's own picture inlined as base64.

    Texts cannot add other images: their brackets are escaped.
    """
    source = f'src="plots/{NAME}.png"'
    if source not in body:
        return body
    data = data_uri((folder / "plots" / f"{NAME}.png").read_bytes())
    return body.replace(source, f'src="{data}"')
