"""What a comparison found, in words."""

import math

import pandas as pd

from cfexp.evaluation.names import RANKING
from cfexp.evaluation.significance import p_text

SIGNIFICANT = 0.05
# Beside the metric.
COLUMNS = ("system", "runs", "difference", "low", "high", "p")
MANY = 5  # systems that are each given a sentence on the console


def verdict(table: pd.DataFrame) -> str:
    """Returns which systems differ significantly from the first one, in short.

    Args:
        table: As for `sentences`.
    """
    reference, others = table["system"].iloc[0], table.iloc[1:]
    found = []
    for word in ("better", "worse"):
        names = others["system"][[judged(row) == word for _, row in others.iterrows()]]
        if len(names):
            found.append(f"{word}: {', '.join(names)}")
    if not found:
        return f"none differs significantly from {reference}"
    return f"significantly different from {reference}: {'; '.join(found)}"


def sentences(table: pd.DataFrame) -> list[str]:
    """Returns a sentence for each system but the first one, with which it is compared.

    Args:
        table: ``system``, ``difference``, ``low``, ``high`` and ``p`` as numbers; the
            third column is named after the metric. The reference comes first.
    """
    metric, reference = in_words(str(table.columns[2])), str(table["system"].iloc[0])
    others = [row for _, row in table.iloc[1:].iterrows()]
    return [_sentence(row, reference, metric, len(others)) for row in others]


def in_words(metric: str) -> str:
    """Returns a metric's name as it is read: RMSE, or that of a measure as it is."""
    return metric if higher_is_better(metric) else metric.upper()


def judged(row: pd.Series) -> str:
    """Returns ``better``, ``worse``, or ``chance`` if the difference may be chance.

    A difference is not chance if its interval leaves out 0, and its p-value, corrected
    for the number of comparisons, is below `SIGNIFICANT`.
    """
    if not (_leaves_out_0(row) and row["p"] < SIGNIFICANT):
        return "chance"
    higher = higher_is_better(next(name for name in row.index if name not in COLUMNS))
    return "better" if (row["difference"] > 0) == higher else "worse"


def higher_is_better(metric: str) -> bool:
    """Returns whether a metric is a measure of ranking, not an error."""
    return metric.startswith(RANKING)


def columns_explained(reference: str, metric: str) -> list[tuple[str, str]]:
    """Returns what the columns of a comparison mean.

    Args:
        reference: The system that the others are compared with, and how it was chosen.
        metric: ``rmse``, ``mae`` or a measure of ranking.
    """
    ranked = higher_is_better(metric)
    side, what, of = (
        ("above", "user", "measures") if ranked else ("below", "row", "errors")
    )
    sums = "measures" if ranked else "sums of errors"
    return [
        (
            "difference",
            f"{metric} minus that of {reference}; {side} 0 is better. If runs with"
            f" other seeds test the same {what}, their {of} are averaged",
        ),
        (
            "low, high",
            "95 % interval of each difference, for other users and the same trained"
            " models: bootstrap-t over whole users",
        ),
        (
            "p",
            f"p-value of no difference: paired t-test of the users' {sums},"
            " Holm-corrected for all comparisons",
        ),
    ]


def _sentence(row: pd.Series, reference: str, metric: str, comparisons: int) -> str:
    found, name, p = judged(row), row["system"], p_text(row["p"])
    p = f"p {p}" if p.startswith("<") else f"p = {p}"
    if not math.isfinite(row["low"]):
        return (
            f"{name} cannot be told from {reference}: there are too few users for an"
            " interval"
        )
    if found == "chance":
        why = "it may be chance"
        if _leaves_out_0(row):
            why = (
                f"the interval leaves out 0, but among {comparisons} comparisons that"
                " may be chance"
            )
        return (
            f"{name} cannot be told from {reference}: difference"
            f" {row['difference']:+.4f} {metric}, 95 % interval {row['low']:+.4f} to"
            f" {row['high']:+.4f}, {p}; {why}"
        )
    ends = sorted(abs(row[side]) for side in ("low", "high"))
    return (
        f"{name} is {found} than {reference} by {abs(row['difference']):.4f} {metric},"
        f" 95 % interval {ends[0]:.4f} to {ends[1]:.4f}, {p}; not by chance"
    )


def _leaves_out_0(row: pd.Series) -> bool:
    return bool(row["low"] > 0 or row["high"] < 0)
