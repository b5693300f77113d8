"""``cfexp compare``: differences between trained runs, and their significance."""

import argparse
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from cfexp.commands.compare_shown import as_data, explain, show
from cfexp.commands.options import (
    METRIC_HELP,
    OPTIONS_HELP,
    RUN_HELP,
    add_json,
    ids_of,
    own_metrics,
    print_json,
    runs_and_options,
    tracking_of,
    wanted_of,
)
from cfexp.config.arguments import Parser
from cfexp.config.compose import conf_dir
from cfexp.config.schema import SEVERAL
from cfexp.errors import ConfigError, did_you_mean
from cfexp.evaluation.names import RANKING
from cfexp.evaluation.objective import ERRORS, validated_by
from cfexp.runtime import owned
from cfexp.tracking.settings import Tracking

if TYPE_CHECKING:
    import pandas as pd

    from cfexp.comparison.systems import System
    from cfexp.evaluation.metric import Metric
    from cfexp.evaluation.objective import Objective

FILES = ("compare.csv", "compare.html", "experiment/best_overrides.yaml")
OWN = "; or a metric of conf/metrics, or of --config-dir, that is a mean over rows"
FIX = "move it away, or choose another folder with --output"


def parser() -> Parser:
    """Returns the command's parser."""
    found = Parser(
        prog="cfexp compare",
        usage="cfexp compare [RUN ...] [--sweep RUN] [name=value ...]",
        description="Compares trained runs on the same test rows. The reference is the"
        " first run named or, if none is named, the best on validation.",
        epilog="Runs that differ only by fold and seed are compared as one system."
        f" {OPTIONS_HELP} If no run is named, dataset=, split=, model= and other"
        " options choose among all runs.",
    )
    found.add_argument("runs", nargs="*", metavar="RUN", help=RUN_HELP)
    found.add_argument(
        "--sweep", metavar="RUN", help="all runs of a sweep: its run, or latest"
    )
    found.add_argument("--experiment", metavar="NAME", help="all runs of an experiment")
    found.add_argument("--query", help="runs that match, in MLflow's search language")
    found.add_argument(
        "--rows", metavar="DIGITS", help="runs tested on these rows, as listed"
    )
    found.add_argument(
        "--metric", default="rmse", metavar="NAME", help=f"{METRIC_HELP}{OWN}"
    )
    found.add_argument("--config-dir", metavar="DIR", help="your own configs")
    found.add_argument(
        "--force",
        action="store_true",
        help="compare runs of different splits, on the test rows they share",
    )
    found.add_argument(
        "--output",
        type=Path,
        default=Path("compare"),
        metavar="FOLDER",
        help="for the report, which replaces the one before; compare by default",
    )
    add_json(found)
    return found


def main(arguments: list[str]) -> None:
    """Compares runs, prints the table and writes a report.

    Raises:
        CfexpError: The runs cannot be found or compared.
    """
    args = parser().parse_intermixed_args(arguments)
    own = _own(args.metric, args.config_dir)
    by = validated_by(args.metric, own)
    owned.check(args.output, FILES, fix=FIX)
    args.runs, options = runs_and_options(args.runs)
    tracking = tracking_of(options, wanted="cfexp compare reads runs from MLflow")
    if args.experiment is not None:
        tracking = tracking.replace(experiment=args.experiment)

    from cfexp.comparison.best import cost
    from cfexp.comparison.systems import measured
    from cfexp.evaluation.significance import against_reference

    logging.basicConfig(format="[%(levelname)s] %(message)s")
    compared, sweep = _find(args, options, tracking)
    same = _check_splits(compared, force=args.force)
    if not args.runs:
        compared = sorted(compared, key=lambda system: cost(system, by))
    errors, tested = measured(compared, args.metric, own.get(args.metric))
    table = against_reference(errors, 0, metric=args.metric).reset_index()
    table.insert(1, "runs", [len(system.runs) for system in compared])
    title = f"difference from {compared[0].name} on {errors}"
    if not same and tested is not None:
        title += f" (different splits: only rows that all have tested, of {tested:,})"
    best = _write(args.output, table, title, compared, by)
    if sweep:
        from cfexp.tracking.search import log_files

        log_files(sweep, args.output, FILES)
    if args.json:
        return print_json(as_data(table, title, args.output, by))
    show(title, table, by)
    chosen = "named first" if args.runs else "the best on validation"
    reference = f"{compared[0].name}, {chosen}"
    return explain(reference, compared, (args.metric, by), args.output, best)


def _own(metric: str, folder: str | None) -> "Mapping[str, Metric]":
    """Returns one's own metric, by its name; nothing if cfexp computes it itself.

    Raises:
        ConfigError: There is no such metric.
    """
    if metric in ERRORS or metric.startswith(RANKING):
        return {}
    folders = [conf_dir(), *([Path(folder)] if folder else [])]
    known = sorted(f.stem for own in folders for f in (own / SEVERAL).glob("*.yaml"))
    if metric not in known:
        raise ConfigError(
            "--metric must be rmse, mae, a measure of ranking, such as"
            f" {RANKING}full_ndcg_10, or a metric of conf/metrics or --config-dir:"
            f" {', '.join(known)}. Got: {metric!r}"
            f"{did_you_mean(metric, [*ERRORS, *known])}"
        )
    return own_metrics([f"{SEVERAL}=[{metric}]"], folder)


def _find(
    args: argparse.Namespace, options: list[str], tracking: Tracking
) -> "tuple[list[System], str | None]":
    """Returns the systems to compare, two or more, and the run id of their sweep."""
    from cfexp.comparison.systems import systems
    from cfexp.comparison.tested import chosen
    from cfexp.tracking.connect import connect
    from cfexp.tracking.filters import filtered
    from cfexp.tracking.search import find_runs, find_sweep

    ids = ids_of(args.runs, options, tracking)
    experiment_id = connect(tracking, existing=True, searched=not ids)
    sweep = find_sweep(experiment_id, args.sweep)
    runs = find_runs(experiment_id, ids=ids, sweep=sweep, query=args.query)
    if not ids:
        wanted = wanted_of(options)
        runs = filtered(runs, wanted)
        if not runs:
            raise ConfigError(
                f"no finished training has {' '.join(options)}. cfexp runs lists them"
            )
    compared = systems(runs)
    if args.rows:
        # Again, so that names tell only what differs among the systems that are left.
        left = chosen(compared, args.rows)
        compared = systems([run for system in left for run in system.runs])
    if len(compared) < 2:
        raise ConfigError(
            "these runs have only one configuration, so there is nothing to compare:"
            f" {compared[0].name}. Name other runs."
        )
    return compared, sweep


def _write(
    output: Path,
    table: "pd.DataFrame",
    title: str,
    compared: "list[System]",
    by: "Objective",
) -> Path | None:
    """Writes the report; returns the file of the best configuration, if there is."""
    from cfexp.comparison.best import write_best
    from cfexp.comparison.page import write_report

    with owned.writing(output, FILES, fix=FIX):
        table.to_csv(output / "compare.csv", index=False)
        path = output / "compare.html"
        write_report(path, title, table, compared, maximise=by.maximise)
        return write_best(output, compared, by)


def _check_splits(compared: "list[System]", *, force: bool) -> bool:
    """Returns whether all systems have the same splits.

    Raises:
        ConfigError: They do not, and `force` is false; their groups are printed.
    """
    from cfexp.comparison.tested import group_table, tested_alike

    groups = tested_alike(compared)
    if len(groups) == 1 or force:
        return len(groups) == 1
    from cfexp.runtime.console import print_frame

    table = group_table(groups)
    print_frame("what was tested on the same rows", table, spare=["systems"])
    raise ConfigError(
        f"these runs have different splits: {len(groups)} groups, whose errors cannot"
        " be compared as they are. Choose one, by dataset=NAME split=NAME seed=N or"
        f" --rows {table['rows'].iloc[0]}; or compare the test rows that all share with"
        " --force"
    )
