"""``cfexp bench``: accuracy and time of cfexp's models and other libraries'."""

import logging
import os
import platform
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import cfexp
from cfexp.benchmark.jobs import (
    ENSEMBLE,
    GOALS,
    MODELS,
    chosen,
    experiments_of,
    folds_of,
    goals_of,
    models_of,
)
from cfexp.benchmark.peers import DEFAULT_PEERS, PEERS, check_installed
from cfexp.benchmark.task import Peer
from cfexp.commands.bench_ranking import PEERS as RANKING_PEERS
from cfexp.commands.bench_ranking import rank_all
from cfexp.config.arguments import Parser
from cfexp.errors import ConfigError
from cfexp.runtime import owned
from cfexp.runtime.provenance import versions

if TYPE_CHECKING:
    import pandas as pd

    from cfexp.experiment import Experiment

log = logging.getLogger(__name__)

FILES = ("folds.csv", "table.csv", "curves.csv", "notes.txt")
FIX = "move it away, or choose another folder with --output"
PACKAGES = ("tensorflow", "keras", "numpy", "pandas")
CLOCKS = ("seconds", "processor")


def parser() -> Parser:
    """Returns the command's parser."""
    found = Parser(
        prog="cfexp bench",
        description="Trains cfexp's models and other libraries' on the same rows.",
        epilog=(
            "On your own ratings: cfexp bench --folds 0,1,2 dataset=csv"
            " dataset.ratings=ratings.csv split=kfold"
        ),
    )
    found.add_argument(
        "--dataset",
        default="ml-100k",
        metavar="NAME",
        help="dataset whose experiments, experiment=NAME/MODEL, are run with their"
        " data, split and settings, such as ml-1m (default: ml-100k)",
    )
    found.add_argument(
        "--models",
        type=_names,
        metavar="MODEL,...",
        help=f"of {', '.join(MODELS)} (default: those of the dataset's experiments)",
    )
    found.add_argument(
        "--peers",
        type=_names,
        metavar="PEER,...",
        help=f"of {', '.join(PEERS)}; or none (default: {','.join(DEFAULT_PEERS)})",
    )
    found.add_argument(
        "--folds",
        type=_names,
        metavar="FOLD,...",
        help="default: 1 to 5 of split=official, else the experiments' own",
    )
    _add_shown(found)
    found.add_argument("overrides", nargs="*", help="Hydra overrides for every run")
    return found


def _add_shown(found: Parser) -> None:
    """Adds the options of what is shown, and where it is written."""
    found.add_argument(
        "--ranking",
        action="store_true",
        help="measure how well movies are ranked: experiments NAME/MODEL-ranking, and"
        f" the peers {', '.join(RANKING_PEERS)}",
    )
    found.add_argument(
        "--goals",
        type=_names,
        default=[],
        metavar="RMSE,...",
        help="show the seconds until the test RMSE is at most these",
    )
    found.add_argument(
        "--clock",
        choices=CLOCKS,
        default="seconds",
        help="in which these are: of the wall's clock, or of processors",
    )
    found.add_argument("--output", type=Path, default=Path("bench"), metavar="FOLDER")


def _names(text: str) -> list[str]:
    return text.split(",")


def main(arguments: list[str]) -> None:
    """Runs the benchmark, prints its table and writes it to the output folder.

    Raises:
        CfexpError: An argument is wrong, a package is missing, or a fit failed.
    """
    args = parser().parse_intermixed_args(arguments)
    if args.ranking:
        logging.basicConfig(format="[%(levelname)s] %(message)s")
        logging.getLogger("cfexp").setLevel(logging.INFO)
        return rank_all(
            args.dataset, args.peers, args.folds, args.overrides, args.output
        )
    owned.check(args.output, FILES, fix=FIX)
    logging.basicConfig(format="[%(levelname)s] %(message)s")
    logging.getLogger("cfexp").setLevel(logging.INFO)
    goals = goals_of(args.goals)
    wanted = args.peers or list(DEFAULT_PEERS)
    peers = {} if wanted == ["none"] else chosen("peer", wanted, PEERS)
    models = models_of(args.dataset, args.models)
    ours = [name for name in models if name != ENSEMBLE]
    if not ours:
        raise ConfigError("--models needs one of cfexp's models, such as bias.")
    folds = args.folds or folds_of(f"{args.dataset}/{ours[0]}", args.overrides)
    jobs = {
        fold: experiments_of(args.dataset, ours, fold, args.overrides) for fold in folds
    }
    packages = check_installed(list(peers))
    started = time.perf_counter()
    name, tables = _measure(jobs, peers, goals, args.clock, ENSEMBLE in models)
    notes = _notes(packages, args.clock, time.perf_counter() - started)
    title = f"{name}, mean of folds {' '.join(folds)}" if len(folds) > 1 else name
    _show(title, tables, notes, args.output)


def _measure(
    jobs: "Mapping[str, dict[str, Experiment]]",
    peers: Mapping[str, Peer],
    goals: list[float],
    clock: str,
    ensemble: bool,
) -> "tuple[str, dict[str, pd.DataFrame]]":
    """Returns the dataset's name, and the tables to write by the name of the file."""
    import pandas as pd

    from cfexp.benchmark.measure import measure_fold, summary, table_row
    from cfexp.data.checks import require_different_ratings

    first = next(iter(next(iter(jobs.values())).values()))
    ratings = first.dataset.load()
    require_different_ratings(ratings.name, ratings.frame["rating"])
    goals = goals or GOALS.get(ratings.name, [])
    rows, points = [], []
    for fold, by_name in jobs.items():
        log.info("fold %s", fold)
        for one in measure_fold(by_name, peers, ratings, ensemble=ensemble):
            rows.append({"fold": fold, **table_row(one, goals, clock)})
            of = {"fold": fold, "system": one.system}
            points += [{**of, **point._asdict()} for point in one.curve]
    folds, curves = pd.DataFrame(rows), pd.DataFrame(points)
    return ratings.name, {"folds": folds, "table": summary(folds), "curves": curves}


def _notes(peers: Mapping[str, str], clock: str, seconds: float) -> dict[str, str]:
    """Returns what the figures depend on; `peers` are versions of other libraries."""
    found = versions()
    packages = {**peers, **{name: found[name] for name in PACKAGES}}
    packages["cfexp"] = cfexp.__version__
    what = "seconds" if clock == "seconds" else "seconds of processors"
    return {
        "seconds": "of the choice of the epoch and the final fit; imports excluded",
        "to": f"{what} of the final fit, to train and validation rows, until the test"
        " RMSE is at most this; found afterwards, nothing is chosen by it",
        "versions": ", ".join(f"{k} {v}" for k, v in sorted(packages.items())),
        "machine": f"{os.cpu_count()} CPUs, Python {platform.python_version()},"
        f" {seconds:.0f} s in all",
    }


def _show(
    title: str, tables: "dict[str, pd.DataFrame]", notes: dict[str, str], output: Path
) -> None:
    from cfexp.runtime.console import print_frame, print_lines

    table = tables["table"]
    times = [name for name in table if name in CLOCKS or name.startswith("to ")]
    shown = {n: table[n].map("{:.1f}".format).replace("nan", "never") for n in times}
    if set(times) <= set(CLOCKS):
        notes = {name: text for name, text in notes.items() if name != "to"}
    print_frame(title, table.assign(**shown))
    print_lines(list(notes.items()))
    lines = [f"{name}: {text}" for name, text in notes.items()]
    with owned.writing(output, FILES, fix=FIX):
        for name, frame in tables.items():
            frame.to_csv(output / f"{name}.csv", index=False)
        (output / "notes.txt").write_text("\n".join(lines) + "\n")
    print_lines([("files", str(output))])
