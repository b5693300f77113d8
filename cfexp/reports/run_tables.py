"""The tables that a run prints."""

import logging
from collections.abc import Mapping
from pathlib import Path

from rich.text import Text

from cfexp.data.ratings import Ratings
from cfexp.data.split import Split
from cfexp.evaluation.comparison import Comparison, margin
from cfexp.evaluation.groups import Evaluation, Group
from cfexp.evaluation.names import BIAS_RMSE, RELOAD_DIFFERENCE, VAL_NDCG
from cfexp.reports.ranking_table import print_ranking
from cfexp.runtime.console import _table, plain, print_lines, print_out, show
from cfexp.runtime.logs import SAID
from cfexp.runtime.output import near
from cfexp.runtime.stopwatch import Stopwatch
from cfexp.training.fit import Fitted
from cfexp.training.result import Result

log = logging.getLogger(__name__)

CARD = "results/model_card.html"
# Columns to leave out first in a narrow terminal.
SPARE = ("mean RMSE", "MAE", "bias RMSE")
LEGEND = (
    "users: 10-49 are the test rows of users with 10 to 49 train rows, for all columns"
    " alike. margin: how much lower the RMSE is than that of bias."
)


def print_evaluation(title: str, comparison: Comparison) -> None:
    """Prints a table of the errors of a model and the baselines by group of rows.

    The margin is how much lower the model's RMSE is than the bias baseline's.
    """
    baselines = comparison.baselines
    table = _table(title)
    table.add_column("test rows", overflow="fold")
    for name in ("rows", "RMSE", "MAE", *(f"{b} RMSE" for b in baselines), "margin"):
        table.add_column(name, justify="right")
    lines = _lines(comparison.model)
    others = [_lines(b) for b in baselines.values()]
    section = 0
    for i, group in enumerate(lines):
        if not group.rows:
            continue
        if _section(i) != section:
            section = _section(i)
            table.add_section()
        against = [other[i].rmse for other in others]
        table.add_row(
            group.label,
            f"{group.rows:,}",
            f"{group.rmse:.4f}",
            f"{group.mae:.4f}",
            *(f"{value:.4f}" for value in against),
            _margin(group.rmse, against[-1]),
            style="bold" if i == 0 else None,
        )
    show(table, spare=SPARE)
    if comparison.own:
        print_lines([(name, f"{value:.4f}") for name, value in comparison.own.items()])
    print_out(plain(f"{comparison.fitted_on} {LEGEND}"), style="dim")


def print_result(title: str, result: Result) -> None:
    """Prints the errors of a model, and how well it ranks, if it was asked for."""
    if result.comparison:
        print_evaluation(title, result.comparison)
    print_ranking(result.experiment.model.name, result.ranking)


def log_data(ratings: Ratings, split: Split) -> None:
    """Logs the sizes of a run's dataset and split."""
    sizes = (len(split.train), len(split.valid), len(split.test))
    log.info(
        "%s: %s ratings, split=%s into train %s, validation %s, test %s",
        ratings.name,
        f"{len(ratings.frame):,}",
        split.name,
        *(f"{size:,}" for size in sizes),
    )


def print_summary(
    fitted: Fitted,
    metrics: Mapping[str, float],
    watch: Stopwatch,
    *,
    run_id: str | None,
    folder: Path,
) -> None:
    """Prints how a model was trained and where it is saved.

    Warns if a neural model is not better than the bias baseline.
    """
    lines = [("validation", _validation(fitted))]
    if fitted.history:
        history = fitted.history
        lines.append(
            (
                "training",
                f"{history.chosen}, engine {history.engine},"
                f" {history.ratings_per_second:,.0f} ratings/s",
            )
        )
    seconds = ", ".join(f"{k} {v:.1f}" for k, v in watch.seconds.items())
    lines += [
        ("parameters", f"{fitted.scorer.n_parameters:,}"),
        *_reload_check(metrics),
        ("seconds", seconds),
        ("folder", near(folder)),
        ("run_id", run_id or "none (tracking=none)"),
        ("next", f"read {near(folder / CARD)}; {_use(run_id, folder)}"),
    ]
    print_lines(lines)
    if fitted.history and "skill_vs_bias" in metrics:
        warn_of_skill(metrics)


def _validation(fitted: Fitted) -> str:
    """Returns how a model did on validation rows."""
    if fitted.val_rmse is not None:
        return f"RMSE {fitted.val_rmse:.4f}, MAE {fitted.val_mae:.4f}"
    for name, value in fitted.val_ranking.items():
        if name.startswith(VAL_NDCG):
            return f"NDCG {value:.4f} of the full catalogue"
    return "none: this model knew the validation rows"


def _use(run_id: str | None, folder: Path) -> str:
    run = run_id[:8] if run_id else near(folder)
    return f"try it: cfexp recommend {run} USER"


def _reload_check(metrics: Mapping[str, float]) -> list[tuple[str, str]]:
    """Returns a line about the reloaded model; none before it was loaded."""
    if RELOAD_DIFFERENCE not in metrics:
        return []
    return [("reload check", f"max difference {metrics[RELOAD_DIFFERENCE]:.1e}")]


def warn_of_skill(metrics: Mapping[str, float]) -> None:
    """Warns if the model is not better than the bias baseline."""
    if metrics["skill_vs_bias"] <= 0:
        log.warning(
            "the bias baseline predicts no worse than this model (RMSE %.4f against"
            " %.4f): do not use the model; train longer, or tune l2 and learning_rate",
            metrics[BIAS_RMSE],
            metrics["test_rmse"],
            extra={SAID: True},  # in the line of a sweep's job
        )


def _lines(evaluation: Evaluation) -> list[Group]:
    return [evaluation.overall, evaluation.user_mean, *evaluation.groups]


def _section(line: int) -> int:
    """Returns a line's section of the table: all, warm and cold, users, or movies."""
    return (line > 1) + (line > 5) + (line > 9)


def _margin(model: float, baseline: float) -> Text:
    found = margin(model, baseline)
    text = f"{found:+.1%}"
    if text in ("+0.0%", "-0.0%"):  # neither better nor worse
        return Text("+0.0%")
    return Text(text, style="green" if found > 0 else "red")
