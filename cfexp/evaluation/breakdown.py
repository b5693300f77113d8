"""Errors by genre, popularity and activity, calibration, and the worst predictions."""

import numpy as np
import pandas as pd

from cfexp.data.ids import positions
from cfexp.data.ratings import ITEM, RATING, TITLE, USER
from cfexp.evaluation.sums import NORMAL, grouped, mean_of

N_WORST = 10
HALF_WIDTH = "\u00b1 95 %"
COUNT_EDGES = [-1, 0, 4, 9, 19, 49, 99, 199, np.inf]
COUNT_LABELS = ["0", "1-4", "5-9", "10-19", "20-49", "50-99", "100-199", "200+"]


def by_count(predictions: pd.DataFrame, column: str) -> pd.DataFrame:
    """Returns `error_stats` by ranges of a column of counts of training ratings."""
    return error_stats(predictions, _ranges(predictions[column]))


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
    error = (predictions["predicted"] - predictions[RATING]).to_numpy()
    values, sums = grouped(by, np.column_stack([np.ones_like(error), error, error**2]))
    if separator:
        # After grouping, since there are far fewer combinations than rows.
        parts = [str(value).split(separator) for value in values]
        each = pd.Series([part for own in parts for part in own], dtype="str")
        values, sums = grouped(each, np.repeat(sums, [len(x) for x in parts], axis=0))
    mean, half = mean_of(*sums.T)
    number = sums[:, 0].astype(int)
    return pd.DataFrame({"n": number, "mean": mean, HALF_WIDTH: half}, index=values)


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
    groups = square.groupby(_ranges(predictions[column]), observed=True)
    root = np.sqrt(groups.mean())
    half = NORMAL * groups.sem() / (2 * root)
    return pd.DataFrame({"n": groups.size(), "RMSE": root, HALF_WIDTH: half})


def calibration(test: pd.DataFrame) -> pd.DataFrame:
    """Returns rows, mean prediction and mean rating for each predicted whole star.

    Columns ``star predicted``, ``rows``, ``mean predicted``, ``mean given`` and
    `HALF_WIDTH` of the latter.
    """
    given, predicted = test[RATING].to_numpy(), test["predicted"].to_numpy()
    parts = [np.ones_like(given), given, given**2, predicted]
    star = pd.Series(predicted.round().astype(int))
    values, sums = grouped(star, np.column_stack(parts))
    mean, half = mean_of(*sums.T[:3])
    return pd.DataFrame(
        {
            "star predicted": values,
            "rows": sums[:, 0].astype(int),
            "mean predicted": sums[:, 3] / sums[:, 0],
            "mean given": mean,
            HALF_WIDTH: half,
        }
    )


def worst_cases(test: pd.DataFrame, movies: pd.DataFrame) -> pd.DataFrame:
    """Returns the `N_WORST` test ratings with the largest errors, the largest first."""
    error = (test["predicted"] - test[RATING]).to_numpy()
    order = np.argsort(-np.abs(error), kind="stable")[:N_WORST]
    found = test.iloc[order]
    titles = np.append(movies[TITLE].to_numpy(object), np.nan)
    return pd.DataFrame(
        {
            USER: found[USER].astype(str),
            ITEM: found[ITEM].astype(str),
            RATING: found[RATING],
            "predicted": found["predicted"],
            "user's ratings": found["user_count"],
            "movie's ratings": found["item_count"],
            "error": error[order],
            TITLE: titles[positions(found[ITEM], movies[ITEM])],
        }
    ).reset_index(drop=True)


def _ranges(counts: pd.Series) -> pd.Series:
    """Returns the label of each count's range, as categories."""
    place = np.searchsorted(COUNT_EDGES, counts.to_numpy()) - 1
    found = pd.Categorical.from_codes(place, COUNT_LABELS, ordered=True)
    return pd.Series(found, index=counts.index)
