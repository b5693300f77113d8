"""``cfexp promote``: makes a run the champion if it is significantly better."""

import argparse
import logging
from typing import TYPE_CHECKING

from cfexp.commands.options import (
    METRIC_HELP,
    OPTIONS_HELP,
    RUN_HELP,
    ids_of,
    runs_and_options,
    tracking_of,
)
from cfexp.config.arguments import Parser
from cfexp.errors import ConfigError
from cfexp.evaluation.objective import validated_by
from cfexp.tracking.settings import is_model_name

if TYPE_CHECKING:
    from cfexp.tracking.search import Run


def parser() -> Parser:
    """Returns the command's parser."""
    found = Parser(
        prog="cfexp promote",
        description="Registers a run's model and makes it champion, if there is none"
        " yet or if it predicts the same test rows significantly better.",
        epilog=f"{OPTIONS_HELP} Then cfexp predict models:/NAME@champion uses it.",
        usage="cfexp promote RUN --name NAME [name=value ...]",
    )
    found.add_argument("run", metavar="RUN", help=RUN_HELP)
    found.add_argument("options", nargs="*", help=argparse.SUPPRESS)
    found.add_argument("--name", required=True, help="name in the model registry")
    found.add_argument("--alias", default="champion")
    found.add_argument("--metric", default="rmse", metavar="NAME", help=METRIC_HELP)
    return found


def main(arguments: list[str]) -> None:
    """Promotes a run.

    Raises:
        CfexpError: The run is not better, or cannot be compared or found.
    """
    args = parser().parse_intermixed_args(arguments)
    if not is_model_name(args.name):
        raise ConfigError(
            "--name must be a name of a registered model: up to 256 characters without"
            f" / and :. Got: {args.name!r}"
        )
    validated_by(args.metric)
    runs, options = runs_and_options([args.run, *args.options])
    if len(runs) != 1:
        got = " ".join(runs) or "none"
        raise ConfigError(f"cfexp promote takes one run. Got: {got}")
    tracking = tracking_of(options, wanted="cfexp promote needs MLflow")
    logging.basicConfig(format="[%(levelname)s] %(message)s")
    logging.getLogger("cfexp").setLevel(logging.INFO)
    (run_id,) = ids_of(runs, options, tracking)
    _promote(run_id, args)


def _promote(run_id: str, args: argparse.Namespace) -> None:
    from cfexp.runtime.console import print_lines
    from cfexp.tracking import registry
    from cfexp.tracking.search import find_run

    run = find_run(run_id)
    champion = registry.champion(args.name, args.alias)
    difference = "no champion before"
    if champion == run_id:
        raise ConfigError(f"run {run_id} is the {args.alias} of {args.name} already")
    if champion:
        difference = check_better(find_run(champion), run, metric=args.metric)
    version = registry.registered(args.name, run_id)
    registry.set_alias(args.name, args.alias, version)
    print_lines(
        [
            (args.alias, f"models:/{args.name}@{args.alias}, version {version}"),
            ("run_id", run_id),
            ("instead of", champion or "none"),
            ("difference", difference),
        ]
    )


def check_better(champion: "Run", candidate: "Run", *, metric: str) -> str:
    """Checks that a run predicts the champion's test rows significantly better.

    The criteria are those of ``cfexp compare``: the 95 % interval of the difference
    leaves out 0 on the better side, and p is below 0.05.

    Returns:
        The difference as text.

    Raises:
        ConfigError: The candidate is not significantly better, or has another split.
    """
    from cfexp.comparison.systems import System, measured
    from cfexp.comparison.verdict import judged
    from cfexp.evaluation.significance import against_reference

    both = [System(run.info.run_id, (run,)) for run in (champion, candidate)]
    if both[0].splits != both[1].splits:
        raise ConfigError(
            f"not promoted: run {candidate.info.run_id} has another split than the"
            f" champion, run {champion.info.run_id}. Train it with the champion's"
            " dataset, split and seed"
        )
    errors, _ = measured(both, metric)
    line = against_reference(errors, 0, metric=metric).iloc[1]
    difference = (
        f"{line['difference']:+.4f} {metric} from the champion's on {errors}, 95 %"
        f" interval {line['low']:+.4f} to {line['high']:+.4f}, p {line['p']:.1e}"
    )
    if judged(line) != "better":
        raise ConfigError(
            f"not promoted: run {candidate.info.run_id} is not significantly better"
            f" than the champion, run {champion.info.run_id}: {difference}"
        )
    return difference
