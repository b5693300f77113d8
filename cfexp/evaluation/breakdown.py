"""Errors by genre, by popularity and by activity, and single rows that stand out."""

import numpy as np
import pandas as pd

from cfexp.data.ratings import ITEM, RATING, TITLE, USER

# Lines of `worst_cases`.
WORST = 10
COUNT_EDGES = [-1, 0, 4, 9, 19, 49, 99, 199, np.inf]


COUNT_LABELS = ["0", "1-4", "5-9", "10-19", "20-49", "50-99", "100-199", "200+"]


def by_count(predictions: pd.DataFrame, column: str) -> pd.DataFrame:
    """Returns `error_stats` by how many training ratings a column tells."""
    bucket = pd.cut(predictions[column], COUNT_EDGES, labels=COUNT_LABELS)
    return error_stats(predictions, bucket)


def error_stats(
    predictions: pd.DataFrame, by: pd.Series, *, separator: str | None = None
) -> pd.DataFrame:
    """Returns number, mean and standard error of the errors for each value of `by`.

    Args:
        predictions: Columns ``rating`` and ``predicted``.
        by: A value for each row.
        separator: What lies between several values of a row, which counts for each.

    Returns:
        Columns ``n``, ``mean`` and ``sem``, in stars, by value.
    """
    error = predictions["predicted"] - predictions["rating"]
    parts = pd.DataFrame({"n": 1, "sum": error, "square": error**2})
    sums = parts.groupby(by.set_axis(parts.index), observed=True).sum()
    if separator:
        # Only now, since there are far fewer combinations than rows.
        values = sums.index.to_series().str.split(separator, regex=False)
        sums = sums.assign(value=values).explode("value").groupby("value").sum()
    n = sums["n"]
    mean = sums["sum"] / n
    variance = (sums["square"] - n * mean**2).clip(lower=0) / (n - 1)
    return pd.DataFrame({"n": n, "mean": mean, "sem": np.sqrt(variance / n)})


def calibration(test: pd.DataFrame) -> pd.DataFrame:
    """Returns, for each predicted star, how many, and the means predicted and given."""
    star = test["predicted"].round().astype(int).rename("star predicted")
    groups = test.groupby(star)
    return pd.DataFrame(
        {
            "rows": groups.size(),
            "mean predicted": groups["predicted"].mean(),
            "mean given": groups[RATING].mean(),
        }
    ).reset_index()


def worst_cases(test: pd.DataFrame, movies: pd.DataFrame) -> pd.DataFrame:
    """Returns the test ratings that the model missed by most."""
    error = (test["predicted"] - test[RATING]).rename("error")
    order = np.argsort(-error.abs().to_numpy(), kind="stable")[:WORST]
    columns = [USER, ITEM, RATING, "predicted", "user_count", "item_count"]
    found = test[columns].assign(error=error).iloc[order]
    titled = found.merge(movies[[ITEM, TITLE]], on=ITEM, how="left")
    return titled.astype({USER: str, ITEM: str}).rename(
        columns={"user_count": "user's ratings", "item_count": "movie's ratings"}
    )
