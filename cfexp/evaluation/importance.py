"""How much of the differences between the results of a sweep each option explains."""

import pandas as pd

MIN_JOBS = 4  # of which the importance of options can be told


def importance(options: pd.DataFrame, results: pd.Series) -> pd.Series:
    """Returns the share of the results' variance that each option explains alone.

    Eta squared (Fisher, 1925): the sum of squares between the means of an option's
    values, divided by the total sum of squares. On a full grid it is the option's main
    effect in an analysis of variance, and what the shares leave to 1 is interaction; on
    others, options that change together share what they explain.

    Args:
        options: A row for each job, a column for each option.
        results: The jobs' results, in the same order; NaN where there is none.

    Returns:
        The shares by option, the largest first. An option of which no value occurs
        twice is left out; all are, if there are fewer than `MIN_JOBS` results or all
        are equal.
    """
    known = results.notna().to_numpy()
    options, values = options[known], results[known]
    total = ((values - values.mean()) ** 2).sum()
    if len(values) < MIN_JOBS or total == 0:
        return pd.Series(dtype=float, name="importance")
    found = {}
    for name in options:
        group = options[name].fillna("").astype(str).to_numpy()
        if not 1 < len(set(group)) < len(group):
            continue
        means = values.groupby(group).transform("mean")
        found[str(name)] = ((means - values.mean()) ** 2).sum() / total
    shares = pd.Series(found, dtype=float, name="importance")
    return shares.sort_values(ascending=False, kind="stable")
