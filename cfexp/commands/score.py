"""``cfexp score``: a run's metrics from its stored predictions."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from cfexp.commands.options import (
    OPTIONS_HELP,
    RUN_HELP,
    add_json,
    own_metrics,
    print_json,
    runs_and_options,
)
from cfexp.commands.show import runs_of
from cfexp.config.arguments import Parser
from cfexp.errors import ConfigError

if TYPE_CHECKING:
    from cfexp.comparison.score import Scored
    from cfexp.evaluation.metric import Metric
    from cfexp.tracking.listed import Listed

NAMES = {"test": "test", "val": "validation"}


def parser() -> Parser:
    """Returns the command's parser."""
    found = Parser(
        prog="cfexp score",
        usage="cfexp score RUN [metrics=[NAME,...]] [name=value ...]",
        description="Computes a run's metrics from its stored predictions of test and"
        " validation rows, without training and without TensorFlow.",
        epilog=f"metrics=[within] adds metrics of conf/metrics, or of yours with"
        f" --config-dir. {OPTIONS_HELP}",
    )
    found.add_argument("runs", nargs="+", metavar="RUN", help=RUN_HELP)
    found.add_argument("--config-dir", metavar="DIR", help="your own configs")
    add_json(found)
    return found


def main(arguments: list[str]) -> None:
    """Prints the metrics of a run.

    Raises:
        CfexpError: There is no such run, it has no predictions, or a metric fails.
    """
    args = parser().parse_intermixed_args(arguments)
    _, options = runs_and_options(args.runs)
    metrics = own_metrics(options, args.config_dir)
    (run,) = runs_of(args.runs, 1, "cfexp score")
    found, catalogue = scored(run, metrics), _ranked(run)
    if args.json:
        parts = {one.part: {"rows_from": str(one.file)} | one.metrics for one in found}
        if catalogue and "test" in parts:
            parts["test"] |= catalogue
        return print_json({"run": run.reference, **parts})
    return _print(run, found, catalogue)


def scored(run: "Listed", metrics: "Mapping[str, Metric]") -> "list[Scored]":
    """Returns the metrics of a run's test rows, and of its validation rows.

    Raises:
        CfexpError: It has no stored predictions, or a metric fails.
    """
    from cfexp.comparison.score import PARTS, score
    from cfexp.tracking.stored import stored

    files = {part: stored(run, name) for part, name in PARTS.items()}
    seed = int(run.params.get("seed", 0))
    found = [score(part, file, metrics, seed) for part, file in files.items() if file]
    kept = [one for one in found if one]
    if not kept:
        raise ConfigError(
            f"run {run.short} has no stored predictions ({', '.join(PARTS.values())}):"
            f" it is {run.status}, of kind {run.kind or 'unknown'}. Choose a finished"
            " training"
        )
    return kept


def _ranked(run: "Listed") -> dict[str, float]:
    """Returns the metrics of a run's ranking; none if it did not rank."""
    from cfexp.comparison.score import full_catalogue
    from cfexp.tracking.folder import RANKING_USERS
    from cfexp.tracking.stored import stored

    file = stored(run, RANKING_USERS)
    return full_catalogue(file) if file else {}


def _print(
    run: "Listed", found: "Sequence[Scored]", catalogue: "Mapping[str, float]"
) -> None:
    import pandas as pd

    from cfexp.runtime.console import print_frame, print_lines

    title = f"{run.model} on {run.dataset}, run {run.short}"
    for one in found:
        if one.evaluation:
            table = one.evaluation.to_frame()
            table.columns = pd.Index([f"{NAMES[one.part]} rows", "rows", "RMSE", "MAE"])
            print_frame(title, table)
        else:
            ranks = f"{title}; it learned to rank, and its scores are no ratings"
            print_lines([(f"{NAMES[one.part]} rows", ranks)])
        print_lines(
            [
                *((name, f"{value:.4f}") for name, value in one.own.items()),
                *_rated(one),
                ("computed from", str(one.file)),
                *_logged(one, run.metrics),
            ]
        )
    print_lines(_full(run, catalogue))


def _logged(one: "Scored", logged: "Mapping[str, float]") -> list[tuple[str, str]]:
    """Returns a line that says whether a part's metrics are as they were logged."""
    differing = one.differing(logged)
    if differing is None:
        return []
    said = f"not as logged: {', '.join(differing)}" if differing else "as logged"
    return [("metrics", said)]


def _full(run: "Listed", metrics: "Mapping[str, float]") -> list[tuple[str, str]]:
    """Returns the lines of the ranking of the full catalogue."""
    if not metrics:
        again = f"cfexp evaluate {run.short} evaluation.ranking=true"
        return [("full catalogue", f"its ranking needs the model: {again}")]
    text = ", ".join(f"{n.rpartition('/')[2]} {v:.4f}" for n, v in metrics.items())
    return [("full catalogue", f"test rows, of each user's stored measures: {text}")]


def _rated(one: "Scored") -> list[tuple[str, str]]:
    """Returns a line with the NDCG of rated movies; none if no user has two rows."""
    rated = one.rated
    if not rated.users:
        return []
    by = "" if rated.by == "score" else ", ordered by ratings that are cut to the scale"
    text = f"{rated.ndcg:.4f} of {rated.users:,} users with two or more rows{by}"
    return [("NDCG, rated only", text)]
