"""The tables of how well a model ranks movies."""

from cfexp.evaluation.beyond import COVERAGE, DIVERSITY, GINI, NOVELTY
from cfexp.evaluation.ranking import HIT_RATE, MAP, MRR, NDCG, PRECISION, RECALL
from cfexp.runtime.console import _table, plain, print_lines, print_out, show
from cfexp.training.ranking import MODEL, Ranking

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
    table = _table(f"ranking: the first {ranking.k} of the full catalogue")
    table.add_column("", overflow="fold")
    for title in COLUMNS.values():
        table.add_column(title, justify="right")
    for system, measures in ranking.full.items():
        is_model = system == MODEL
        values = (_text(measures[name]) for name in COLUMNS)
        name = model if is_model else system
        table.add_row(name, *values, style="bold" if is_model else None)
    show(table, spare=SPARE)
    rated = ", ".join(
        f"{model if system == MODEL else system} {_text(ndcg)}"
        for system, ndcg in ranking.rated.items()
    )
    print_out(plain(_protocol(ranking)), style="dim")
    print_lines([("NDCG, rated only", rated)])
    if ranking.below_popularity:
        said = (
            f"popular movies are better recommendations than those of {model}: a model"
            " of ratings does not know which movies somebody watches"
        )
        print_out(plain(said), style="yellow")


def _protocol(ranking: Ranking) -> str:
    """Returns what was ranked, for whom, by both protocols."""
    catalogue = ranking.catalogue
    left_out = f"; {catalogue.left_out:,} have none" if catalogue.left_out else ""
    return (
        f"full catalogue: all {len(catalogue.items):,} movies but those of a user's"
        f" train and validation rows, for {len(catalogue.users):,} users with a"
        f" relevant movie, a test rating of at least {catalogue.relevant_from}"
        f"{left_out}. No candidates are sampled. rated only: the order of each user's"
        f" own test ratings, for {ranking.rated_users:,} users with two or more."
    )


def _text(value: float) -> str:
    return f"{value:.4f}" if value < 1 else f"{value:.2f}"
