"""Errors by genre, popularity and activity, calibration, and the worst predictions."""

import numpy as np
import pandas as pd

from cfexp.data.ratings import ITEM, RATING, TITLE, USER

N_WORST = 10
# Of the 95 % interval of a mean, as if the rows were independent.
HALF_WIDTH, NORMAL = "\u00b1 95 %", 1.96
COUNT_EDGES = [-1, 0, 4, 9, 19, 49, 99, 199, np.inf]
COUNT_LABELS = ["0", "1-4", "5-9", "10-19", "20-49", "50-99", "100-199", "200+"]


def by_count(predictions: pd.DataFrame, column: str) -> pd.DataFrame:
    """Returns `error_stats` by ranges of a column of counts of training ratings."""
    bucket = pd.cut(predictions[column], COUNT_EDGES, labels=COUNT_LABELS)
    return error_stats(predictions, bucket)


def error_stats(
    predictions: pd.DataFrame, by: pd.Series, *, separator: str | None = None
) -> pd.DataFrame:
    """Returns number, mean and its interval of the errors for each value of `by`.

    Args:
        predictions: Columns ``rating`` and ``predicted``.
        by: A value for each row.
        separator: Separates several values in `by`; the row counts for each of them.

    Returns:
        Columns ``n``, ``mean`` and `HALF_WIDTH`, in stars, by value.
    """
    error = predictions["predicted"] - predictions["rating"]
    parts = pd.DataFrame({"n": 1, "sum": error, "square": error**2})
    sums = parts.groupby(by.set_axis(parts.index), observed=True).sum()
    if separator:
        # After grouping, since there are far fewer combinations than rows.
        values = sums.index.to_series().str.split(separator, regex=False)
        sums = sums.assign(value=values).explode("value").groupby("value").sum()
    n = sums["n"]
    mean = sums["sum"] / n
    variance = (sums["square"] - n * mean**2).clip(lower=0) / (n - 1)
    half = NORMAL * np.sqrt(variance / n)
    return pd.DataFrame({"n": n, "mean": mean, HALF_WIDTH: half})


def rmse_by_count(predictions: pd.DataFrame, column: str) -> pd.DataFrame:
    """Returns the RMSE by ranges of a column of counts of training ratings.

    Args:
        predictions: Columns ``rating``, ``predicted`` and `column`.
        column: The column of counts.

    Returns:
        Columns ``n``, ``RMSE`` and `HALF_WIDTH` of it, in stars, by range. The interval
        is that of the mean squared error, divided by twice the RMSE (delta method).
    """
    square = (predictions["predicted"] - predictions[RATING]) ** 2
    groups = square.groupby(
        pd.cut(predictions[column], COUNT_EDGES, labels=COUNT_LABELS), observed=True
    )
    root = np.sqrt(groups.mean())
    half = NORMAL * groups.sem() / (2 * root)
    return pd.DataFrame({"n": groups.size(), "RMSE": root, HALF_WIDTH: half})


def calibration(test: pd.DataFrame) -> pd.DataFrame:
    """Returns rows, mean prediction and mean rating for each predicted whole star.

    Columns ``star predicted``, ``rows``, ``mean predicted``, ``mean given`` and
    `HALF_WIDTH` of the latter.
    """
    star = test["predicted"].round().astype(int).rename("star predicted")
    groups = test.groupby(star)
    return pd.DataFrame(
        {
            "rows": groups.size(),
            "mean predicted": groups["predicted"].mean(),
            "mean given": groups[RATING].mean(),
            HALF_WIDTH: NORMAL * groups[RATING].sem(),
        }
    ).reset_index()


def worst_cases(test: pd.DataFrame, movies: pd.DataFrame) -> pd.DataFrame:
    """Returns the `N_WORST` test ratings with the largest errors, the largest first."""
    error = (test["predicted"] - test[RATING]).rename("error")
    order = np.argsort(-error.abs().to_numpy(), kind="stable")[:N_WORST]
    columns = [USER, ITEM, RATING, "predicted", "user_count", "item_count"]
    found = test[columns].assign(error=error).iloc[order]
    titled = found.merge(movies[[ITEM, TITLE]], on=ITEM, how="left")
    return titled.astype({USER: str, ITEM: str}).rename(
        columns={"user_count": "user's ratings", "item_count": "movie's ratings"}
    )
