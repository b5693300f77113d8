"""Descriptions of runs in a few sentences, for MLflow and the model card."""

from collections.abc import Mapping

import pandas as pd

from cfexp.evaluation.comparison import Comparison
from cfexp.evaluation.names import REPEATS
from cfexp.evaluation.ranking import NDCG
from cfexp.training.held_out import MODEL, POPULARITY
from cfexp.training.ranking import Ranking


def of_model(
    model: str, comparison: Comparison | None, ranking: Ranking | None = None
) -> str:
    """Describes a trained model.

    Args:
        model: Name of its family.
        comparison: Its errors on the test rows, beside those of the baselines; None of
            a model that learned to rank.
        ranking: How well it ranks.
    """
    if comparison is None:
        assert ranking
        return (
            f"This {model} model orders movies for a user; its scores are no ratings."
            f" {of_ranking(ranking)} It knows who watched what, not why."
        )
    return (
        f"This {model} model predicts the rating that a user would give a movie."
        f" {of_test(comparison)} It knows who rated what, not why: its predictions for"
        " users or movies with few ratings are close to the mean, and people who do not"
        " rate are not represented."
    )


def of_ranking(ranking: Ranking) -> str:
    """Describes how well a model ranks movies."""
    ours, popular = (ranking.full[name][NDCG] for name in (MODEL, POPULARITY))
    return (
        f"Test NDCG@{ranking.k} {ours:.4f} of the full catalogue; that of popular"
        f" movies is {popular:.4f}."
    )


def of_test(comparison: Comparison) -> str:
    """Describes a model's errors on some rows."""
    found, skill = comparison.model.overall, comparison.skill_vs_bias
    verdict = "better" if skill > 0 else "no better"
    return (
        f"Test RMSE {found.rmse:.4f}, MAE {found.mae:.4f} on {found.rows:,} rows:"
        f" {verdict} than the bias baseline ({skill:+.1%} in RMSE)."
    )


def of_repeats(model: str, data: str, means: Mapping[str, float]) -> str:
    """Describes a model's folds and seeds.

    Args:
        model: Name of its family.
        data: Name of the dataset.
        means: Means over the repeats, and their intervals.
    """
    many = f"{means[f'{REPEATS}n']:.0f} repeats of {model} on {data}"
    if "test_rmse" not in means:
        return f"{many}, which learned to rank. The metrics are means over the repeats."
    low = means.get(f"{REPEATS}test_rmse_low")
    high = means.get(f"{REPEATS}test_rmse_high")
    interval = "" if low is None else f" (95 % interval {low:.4f} to {high:.4f})"
    return (
        f"{many}: mean test RMSE"
        f" {means['test_rmse']:.4f}{interval}, MAE {means['test_mae']:.4f},"
        f" {means['skill_vs_bias']:+.1%} against the bias baseline. The metrics are"
        " means over the repeats; repeats/ holds their deviations and intervals."
    )


def of_sweep(board: pd.DataFrame, others: int) -> str:
    """Describes a sweep.

    Args:
        board: Its finished jobs, the best first.
        others: Number of jobs that failed, or were stopped or pruned.
    """
    jobs = f"{len(board)} finished jobs" + (f", {others} others." if others else ".")
    if board.empty:
        return jobs
    best = board.iloc[0]
    return (
        f"{jobs} The best on validation is {best['job']}: validation RMSE"
        f" {best['val_rmse']:.4f}, test RMSE {best['test_rmse']:.4f}, MAE"
        f" {best['test_mae']:.4f}."
    )
