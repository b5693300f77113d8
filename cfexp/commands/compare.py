"""``cfexp compare``: differences between trained runs, and their significance."""

import argparse
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from cfexp.commands.options import add_set, reachable_tracking
from cfexp.config.arguments import Parser
from cfexp.errors import ConfigError
from cfexp.runtime import owned
from cfexp.tracking.settings import Tracking

if TYPE_CHECKING:
    import pandas as pd

    from cfexp.comparison.systems import System

METRICS = ("rmse", "mae")
MAX_LINES = 40
FILES = ("compare.csv", "compare.html", "experiment/best_overrides.yaml")
FIX = "move it away, or choose another folder with --output"


def parser() -> Parser:
    """Returns the command's parser."""
    found = Parser(
        prog="cfexp compare",
        description="Compares trained runs on the same test rows. The reference is the"
        " first run named or, if none is named, the best on validation.",
        epilog="Runs that differ only by fold and seed are compared as one system.",
    )
    found.add_argument("runs", nargs="*", metavar="RUN", help="ids of MLflow runs")
    found.add_argument(
        "--sweep", metavar="ID", help="all runs of a sweep: a run id, or latest"
    )
    found.add_argument("--experiment", metavar="NAME", help="all runs of an experiment")
    found.add_argument("--query", help="runs that match, in MLflow's search language")
    found.add_argument("--metric", choices=METRICS, default="rmse")
    found.add_argument(
        "--force",
        action="store_true",
        help="compare runs of different splits, on the test rows they share",
    )
    found.add_argument("--output", type=Path, default=Path("compare"), metavar="FOLDER")
    add_set(found)
    return found


def main(arguments: list[str]) -> None:
    """Compares runs, prints the table and writes a report.

    Raises:
        CfexpError: The runs cannot be found or compared.
    """
    args = parser().parse_args(arguments)
    owned.check(args.output, FILES, fix=FIX)
    tracking = reachable_tracking(
        args.set, wanted="cfexp compare reads runs from MLflow"
    )
    if args.experiment is not None:
        tracking = tracking.replace(experiment=args.experiment)

    from cfexp.comparison.best import validation, write_best
    from cfexp.comparison.page import write_report
    from cfexp.comparison.systems import errors_of
    from cfexp.evaluation.significance import against_reference
    from cfexp.tracking.search import log_files

    logging.basicConfig(format="[%(levelname)s] %(message)s")
    compared, sweep = _find(args, tracking)
    same = _check_splits(compared, force=args.force)
    if not args.runs:
        compared = sorted(compared, key=validation)
    errors, tested = errors_of(compared)
    table = against_reference(errors, 0, metric=args.metric).reset_index()
    table.insert(1, "runs", [len(system.runs) for system in compared])
    title = f"difference from {compared[0].name} on {errors}"
    if not same:
        title += f" (different splits: only rows that all have tested, of {tested:,})"
    shown = _show(title, table)
    with owned.writing(args.output, FILES, fix=FIX):
        table.to_csv(args.output / "compare.csv", index=False)
        write_report(args.output / "compare.html", title, shown, compared)
        best = write_best(args.output, compared)
    if sweep:
        log_files(sweep, args.output, FILES)
    chosen = "named first" if args.runs else "the best on validation"
    _explain(f"{compared[0].name}, {chosen}", args.metric, args.output, best)


def _find(
    args: argparse.Namespace, tracking: Tracking
) -> "tuple[list[System], str | None]":
    """Returns the systems to compare, two or more, and the run id of their sweep."""
    from cfexp.comparison.systems import systems
    from cfexp.tracking.connect import connect
    from cfexp.tracking.search import find_runs, find_sweep

    experiment_id = connect(tracking, existing=True, searched=not args.runs)
    sweep = find_sweep(experiment_id, args.sweep)
    runs = find_runs(experiment_id, ids=args.runs, sweep=sweep, query=args.query)
    compared = systems(runs)
    if len(compared) < 2:
        raise ConfigError(
            "these runs have only one configuration, so there is nothing to compare:"
            f" {compared[0].name}. Name other runs."
        )
    return compared, sweep


def _show(title: str, table: "pd.DataFrame") -> "pd.DataFrame":
    """Prints the table; returns it with p-values as text."""
    from cfexp.runtime.console import print_frame

    # Four digits would show most p-values as 0.
    shown = table.assign(p=table["p"].map("{:.1e}".format).replace("nan", ""))
    print_frame(title, shown.head(MAX_LINES))
    if len(shown) > MAX_LINES:
        print(f"and {len(shown) - MAX_LINES} more in compare.csv")  # noqa: T201
    return shown


def _explain(reference: str, metric: str, output: Path, best: Path | None) -> None:
    """Prints what the columns mean, and where the files are."""
    from cfexp.runtime.console import print_lines

    print_lines(
        [
            (
                "difference",
                f"{metric} minus that of {reference}; below 0 is better. If runs with"
                " other seeds test the same row, their errors are averaged",
            ),
            (
                "low, high",
                "95 % interval of each difference, for other users and the same trained"
                " models: bootstrap-t over whole users",
            ),
            (
                "p",
                "p-value of no difference: paired t-test of the users' sums of errors,"
                " Holm-corrected for all comparisons",
            ),
            (
                "best",
                f"on validation: cfexp --config-dir {output} experiment={best.stem}"
                if best
                else "none: no configuration has a validation error in all its runs",
            ),
            ("files", str(output)),
        ]
    )


def _check_splits(compared: "list[System]", *, force: bool) -> bool:
    """Returns whether all systems have the same splits.

    Raises:
        ConfigError: They do not, and `force` is false.
    """
    if len({system.splits for system in compared}) == 1:
        return True
    if force:
        return False
    listed = "; ".join(
        f"{system.name}: {' '.join(sorted(s[:8] for s in system.splits))}"
        for system in compared[:6]
    )
    raise ConfigError(
        "these runs have different splits, so that their errors cannot be compared as"
        f" they are ({listed}). Give runs of the same dataset, split and seeds, or"
        " compare the test rows that they share with --force."
    )
