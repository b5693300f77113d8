"""``cfexp bench``: accuracy and time of cfexp's models and other libraries'."""

import argparse
import logging
import os
import platform
import time
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import cfexp
from cfexp.benchmark.peers import DEFAULT_PEERS, PEERS, check_installed
from cfexp.config.arguments import Parser
from cfexp.config.build import build
from cfexp.config.compose import compose
from cfexp.errors import ConfigError, did_you_mean
from cfexp.runtime import owned

if TYPE_CHECKING:
    import pandas as pd

    from cfexp.experiment import Experiment

T = TypeVar("T")
log = logging.getLogger(__name__)

ENSEMBLE = "ensemble"
MODELS = (
    *("bias", "dot", "ncf", "deep", "autorec", "kernelae", "svdpp", "fm", "bayes"),
    ENSEMBLE,
)
TARGET = "surprise-svd"
SECONDS = ("seconds", "to_svd")
FILES = ("folds.csv", "table.csv", "notes.txt")
FIX = "move it away, or choose another folder with --output"
PACKAGES = ("tensorflow", "keras", "numpy", "pandas")


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
        "--experiments",
        default="ml-100k",
        metavar="FOLDER",
        help="experiments FOLDER/MODEL to take the models' settings from",
    )
    found.add_argument(
        "--models", type=_names, default=list(MODELS), metavar="MODEL,..."
    )
    found.add_argument(
        "--peers",
        type=_names,
        default=list(DEFAULT_PEERS),
        metavar="PEER,...",
        help=f"of {', '.join(PEERS)}; or none (default: {','.join(DEFAULT_PEERS)})",
    )
    found.add_argument(
        "--folds", type=_names, default=["1", "2", "3", "4", "5"], metavar="FOLD,..."
    )
    found.add_argument("--output", type=Path, default=Path("bench"), metavar="FOLDER")
    found.add_argument("overrides", nargs="*", help="Hydra overrides for every run")
    return found


def _names(text: str) -> list[str]:
    return text.split(",")


def main(arguments: list[str]) -> None:
    """Runs the benchmark, prints its table and writes it to the output folder.

    Raises:
        CfexpError: An argument is wrong, a package is missing, or a fit failed.
    """
    args = parser().parse_intermixed_args(arguments)
    owned.check(args.output, FILES, fix=FIX)
    logging.basicConfig(format="[%(levelname)s] %(message)s")
    logging.getLogger("cfexp").setLevel(logging.INFO)
    peers = {} if args.peers == ["none"] else _chosen("peer", args.peers, PEERS)
    models = _chosen("model", args.models, dict.fromkeys(MODELS))
    ensemble = ENSEMBLE in models
    models.pop(ENSEMBLE, None)
    if not models:
        raise ConfigError("--models needs one of cfexp's models, such as bias.")
    jobs = {fold: _compose(args, fold, list(models)) for fold in args.folds}
    packages = check_installed(list(peers))

    import pandas as pd

    from cfexp.benchmark.measure import measure_fold, summary, with_target
    from cfexp.data.checks import require_different_ratings

    ratings = next(iter(jobs[args.folds[0]].values())).dataset.load()
    require_different_ratings(ratings.name, ratings.frame["rating"])
    rows = []
    started = time.perf_counter()
    for fold, by_name in jobs.items():
        log.info("fold %s", fold)
        found = measure_fold(by_name, peers, ratings, ensemble=ensemble)
        rows += [{"fold": fold, **asdict(one)} for one in with_target(found, TARGET)]
    notes = _notes(packages, time.perf_counter() - started)
    folds = pd.DataFrame(rows).drop(columns="curve")
    title = f"{ratings.name}, mean of folds {' '.join(args.folds)}"
    _show(title, folds, summary(folds), notes, args.output)


def _notes(peers: Mapping[str, str], seconds: float) -> dict[str, str]:
    """Returns what the figures depend on; `peers` are versions of other libraries."""
    packages = {**peers, **{name: version(name) for name in PACKAGES}}
    packages["cfexp"] = cfexp.__version__
    return {
        "to_svd": f"seconds to the validation RMSE of {TARGET}; imports excluded",
        "versions": ", ".join(f"{k} {v}" for k, v in sorted(packages.items())),
        "machine": f"{os.cpu_count()} CPUs, Python {platform.python_version()},"
        f" {seconds:.0f} s in all",
    }


def _compose(
    args: argparse.Namespace, fold: str, models: list[str]
) -> "dict[str, Experiment]":
    found = {}
    for name in models:
        chosen = [f"experiment={args.experiments}/{name}", f"split.fold={fold}"]
        cfg = compose([*chosen, "tracking=none", *args.overrides])
        found[name] = build(cfg).experiment
    return found


def _chosen(kind: str, names: list[str], known: Mapping[str, T]) -> dict[str, T]:
    for name in names:
        if name not in known:
            raise ConfigError(
                f"{kind} {name} is not in the benchmark{did_you_mean(name, known)}."
                f" Choose from: {', '.join(known)}."
            )
    return {name: known[name] for name in names}


def _show(
    title: str,
    folds: "pd.DataFrame",
    table: "pd.DataFrame",
    notes: dict[str, str],
    output: Path,
) -> None:
    from cfexp.runtime.console import print_frame, print_lines

    seconds = {
        name: table[name].map("{:.1f}".format).replace("nan", "never")
        for name in SECONDS
    }
    print_frame(title, table.assign(**seconds))
    print_lines(list(notes.items()))
    lines = [f"{name}: {text}" for name, text in notes.items()]
    with owned.writing(output, FILES, fix=FIX):
        folds.to_csv(output / "folds.csv", index=False)
        table.to_csv(output / "table.csv", index=False)
        (output / "notes.txt").write_text("\n".join(lines) + "\n")
    print_lines([("files", str(output))])
