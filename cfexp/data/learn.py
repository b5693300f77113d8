"""Learns the values of features, from training rows only."""

from typing import Literal

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

from cfexp.data.columns import TIMESTAMP
from cfexp.data.encoding import Of
from cfexp.data.text import as_text
from cfexp.data.vocabulary import Numbers, Vocabulary, days_of

# A column of more different numbers is divided into bins.
MAX_LEVELS, BINS = 20, 10
# A day with fewer ratings shares a value with the next ones.
MIN_RATINGS_A_DAY = 20


def vocabulary_of(of: Of, column: pd.Series, known: pd.Series) -> Vocabulary:
    """Returns the vocabulary of a column.

    Args:
        of: Whose feature it is.
        column: The whole column, which gives the number of rows of tables only.
        known: The values of those with a training rating.
    """
    name, is_number = str(column.name), is_numeric_dtype(column)
    if is_number and known.nunique() > MAX_LEVELS:
        inner = np.linspace(0, 1, BINS + 1)[1:-1]
        edges = np.unique(np.quantile(known.dropna(), inner))
        return Vocabulary(
            of=of, column=name, kind="bin", edges=tuple(edges.tolist()), rows=BINS + 1
        )
    kind: Literal["text", "level"] = "level" if is_number else "text"
    return Vocabulary(
        of=of,
        column=name,
        kind=kind,
        texts=tuple(sorted(texts_of(known))),
        rows=len(texts_of(column)) + 1,
    )


def texts_of(column: pd.Series) -> set[str]:
    """Returns the distinct values of a column, as texts."""
    texts = as_text(pd.Series(column.unique()))
    return {part for text in texts for part in text.split("|") if part}


def vocabulary_of_days(times: Numbers, all_times: Numbers) -> Vocabulary:
    """Returns the vocabulary of ratings' days.

    Days with few training ratings share a value with the next ones. Days before the
    first and after the last one are unknown.

    Args:
        times: Times of the training ratings, in seconds.
        all_times: Times of all ratings, which give the number of rows of tables only.
    """
    days, counts = np.unique(days_of(times), return_counts=True)
    edges, gathered = [], 0
    for day, count in zip(days, counts, strict=True):
        if gathered >= MIN_RATINGS_A_DAY:
            edges.append(float(day))
            gathered = 0
        gathered += count
    return Vocabulary(
        of="row",
        column=TIMESTAMP,
        kind="bin",
        edges=tuple(edges),
        limits=(float(days[0]), float(days[-1])),
        rows=len(np.unique(days_of(all_times))) + 1,
    )
