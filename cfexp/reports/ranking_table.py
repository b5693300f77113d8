"""The tables of how well a model ranks movies."""

import math

import pandas as pd

from cfexp.evaluation.beyond import COVERAGE, DIVERSITY, GINI, NOVELTY
from cfexp.evaluation.ranking import HIT_RATE, MAP, MRR, NDCG, PRECISION, RECALL
from cfexp.evaluation.sampled import SAMPLED_MEASURES
from cfexp.reports.markdown import escaped, table
from cfexp.runtime.console import (
    _table,
    plain,
    print_frame,
    print_lines,
    print_out,
    show,
)
from cfexp.training.held_out import MODEL
from cfexp.training.ranking import Ranking

COLUMNS = {
    NDCG: "NDCG",
    RECALL: "recall",
    PRECISION: "precision",
    HIT_RATE: "hit rate",
    MRR: "MRR",
    MAP: "MAP",
    COVERAGE: "coverage",
    NOVELTY: "novelty",
    DIVERSITY: "diversity",
    GINI: "Gini",
}
# Columns to leave out first in a narrow terminal.
SPARE = tuple(COLUMNS[name] for name in (GINI, DIVERSITY, NOVELTY, MAP, MRR, PRECISION))


def print_ranking(model: str, ranking: Ranking | None) -> None:
    """Prints the measures of a model and of the baselines, by both protocols.

    Args:
        model: Name of the model.
        ranking: Its measures; None to print nothing.
    """
    if ranking is None:
        return
    shown = _table(f"ranking: the first {ranking.k} of the full catalogue")
    shown.add_column("", overflow="fold")
    for title in COLUMNS.values():
        shown.add_column(title, justify="right")
    for i, row in enumerate(full_table(model, ranking).itertuples(index=False)):
        values = map(_text, row[1:])
        shown.add_row(row[0], *values, style=None if i else "bold")
    show(shown, spare=SPARE)
    each = rated_table(model, ranking).itertuples(index=False)
    rated = ", ".join(f"{name} {_text(ndcg)}" for name, ndcg in each)
    print_out(plain(protocol(ranking)), style="dim")
    if ranking.rated_users:
        print_lines([("NDCG, rated only", rated)])
    if ranking.sampled:
        print_frame(f"ranking {_among(ranking)}", sampled_table(model, ranking))
        print_out(plain(sampled_protocol(ranking)), style="dim")
    if said := below_popularity(model, ranking):
        print_out(plain(said), style="yellow")


def in_markdown(model: str, ranking: Ranking | None) -> str:
    """Returns how well movies are ranked, by both protocols; empty if they were not."""
    if ranking is None:
        return ""
    sampled = []
    if ranking.sampled:
        sampled = [
            f"### Ranking {_among(ranking)}\n",
            table(sampled_table(model, ranking)),
            f"{escaped(sampled_protocol(ranking))}\n",
        ]
    return "\n".join(
        [
            f"## Ranking: the first {ranking.k} of the full catalogue\n",
            table(full_table(model, ranking)),
            f"{escaped(protocol(ranking))}\n",
            "### NDCG, rated only\n",
            table(rated_table(model, ranking)),
            *sampled,
            f"{escaped(below_popularity(model, ranking))}\n",
        ]
    )


def full_table(model: str, ranking: Ranking) -> pd.DataFrame:
    """Returns a row for the model and each baseline: protocol ``full``."""
    rows = [
        [_name(model, system), *(measures[name] for name in COLUMNS)]
        for system, measures in ranking.full.items()
    ]
    return pd.DataFrame(rows, columns=["", *COLUMNS.values()])


def rated_table(model: str, ranking: Ranking) -> pd.DataFrame:
    """Returns the same of the protocol ``rated``."""
    rows = [(_name(model, system), ndcg) for system, ndcg in ranking.rated.items()]
    return pd.DataFrame(rows, columns=["", "NDCG"])


def sampled_table(model: str, ranking: Ranking) -> pd.DataFrame:
    """Returns the same of the drawn candidates, named as sampled."""
    titles = {n: f"sampled {COLUMNS[n]}@{ranking.k}" for n in SAMPLED_MEASURES}
    rows = [
        [_name(model, system), *(measures[name] for name in titles)]
        for system, measures in ranking.sampled.items()
    ]
    return pd.DataFrame(rows, columns=["", *titles.values()])


def _among(ranking: Ranking) -> str:
    return f"against {ranking.negatives} sampled movies"


def sampled_protocol(ranking: Ranking) -> str:
    """Returns what was ranked so, and what for."""
    return (
        f"sampled: each relevant test movie is ranked against {ranking.negatives} drawn"
        " movies that only others have rated, which is far easier than against all."
        " Only to compare with published figures: it may order systems otherwise than"
        " the full catalogue (Krichene and Rendle, 2020)."
    )


def below_popularity(model: str, ranking: Ranking) -> str:
    """Returns a sentence if popular movies are better recommendations; else nothing."""
    if not ranking.below_popularity:
        return ""
    return (
        f"popular movies are better recommendations than those of {model}: a model"
        " of ratings does not know which movies somebody watches; training.loss=softmax"
        " learns it"
    )


def _name(model: str, system: str) -> str:
    return model if system == MODEL else system


def protocol(ranking: Ranking) -> str:
    """Returns what was ranked, for whom, by both protocols."""
    catalogue = ranking.catalogue
    left_out = f"; {catalogue.left_out:,} have none" if catalogue.left_out else ""
    rated = ""
    if ranking.rated_users:
        rated = (
            " rated only: the order of each user's own test ratings, for"
            f" {ranking.rated_users:,} users with two or more."
        )
    return (
        f"full catalogue: all {len(catalogue.items):,} movies but those of a user's"
        f" train and validation rows, for {len(catalogue.users):,} users with a"
        f" relevant movie, a test rating of at least {catalogue.relevant_from}"
        f"{left_out}. No candidates are sampled.{rated}"
    )


def _text(value: float) -> str:
    if math.isnan(value):  # nobody has a relevant movie
        return ""
    return f"{value:.4f}" if value < 1 else f"{value:.2f}"
