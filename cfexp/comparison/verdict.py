"""What a comparison found, in words."""

import math

import pandas as pd

from cfexp.evaluation.names import RANKING
from cfexp.evaluation.objective import ERRORS
from cfexp.evaluation.significance import p_text

SIGNIFICANT = 0.05
# Beside the metric.
COLUMNS = ("system", "runs", "difference", "low", "high", "p")
MANY = 5  # systems that are each given a sentence on the console


def verdict(table: pd.DataFrame, *, maximise: bool | None = None) -> str:
    """Returns which systems differ significantly from the first one, in short.

    Args:
        table: As for `sentences`.
        maximise: As for `sentences`.
    """
    reference, others = table["system"].iloc[0], table.iloc[1:]
    found = []
    for word in ("better", "worse"):
        found_so = [judged(row, maximise) == word for _, row in others.iterrows()]
        names = others["system"][found_so]
        if len(names):
            found.append(f"{word}: {', '.join(names)}")
    if not found:
        return f"none differs significantly from {reference}"
    return f"significantly different from {reference}: {'; '.join(found)}"


def sentences(table: pd.DataFrame, *, maximise: bool | None = None) -> list[str]:
    """Returns a sentence for each system but the first one, with which it is compared.

    Args:
        table: ``system``, ``difference``, ``low``, ``high`` and ``p`` as numbers; the
            third column is named after the metric. The reference comes first.
        maximise: Whether a higher value of the metric is better. None: its name says
            so, see `higher_is_better`.
    """
    metric, reference = in_words(str(table.columns[2])), str(table["system"].iloc[0])
    others = [row for _, row in table.iloc[1:].iterrows()]
    words = [judged(row, maximise) for row in others]
    return [
        _sentence(row, reference, (metric, found), len(others))
        for row, found in zip(others, words, strict=True)
    ]


def in_words(metric: str) -> str:
    """Returns a metric's name as it is read: RMSE, or that of a measure as it is."""
    return metric.upper() if metric in ERRORS else metric


def judged(row: pd.Series, maximise: bool | None = None) -> str:
    """Returns ``better``, ``worse``, or ``chance`` if the difference may be chance.

    A difference is not chance if its interval leaves out 0, and its p-value, corrected
    for the number of comparisons, is below `SIGNIFICANT`.

    Args:
        row: A system's row of the table.
        maximise: As for `sentences`.
    """
    if not (_leaves_out_0(row) and row["p"] < SIGNIFICANT):
        return "chance"
    higher = maximise
    if higher is None:
        metric = next(name for name in row.index if name not in COLUMNS)
        higher = higher_is_better(metric)
    return "better" if (row["difference"] > 0) == higher else "worse"


def higher_is_better(metric: str) -> bool:
    """Returns whether a metric is a measure of ranking, not an error."""
    return metric.startswith(RANKING)


def columns_explained(
    reference: str, metric: str, *, maximise: bool | None = None
) -> list[tuple[str, str]]:
    """Returns what the columns of a comparison mean.

    Args:
        reference: The system that the others are compared with, and how it was chosen.
        metric: ``rmse``, ``mae``, a measure of ranking, or a metric of one's own.
        maximise: As for `sentences`.
    """
    higher = higher_is_better(metric) if maximise is None else maximise
    side = "above" if higher else "below"
    what, of, sums = "row", "values", "sums of values"
    if higher_is_better(metric):
        what, of, sums = "user", "measures", "measures"
    elif metric in ERRORS:
        of, sums = "errors", "sums of errors"
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


def _sentence(
    row: pd.Series, reference: str, judgement: tuple[str, str], comparisons: int
) -> str:
    (metric, found), name, p = judgement, row["system"], p_text(row["p"])
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
