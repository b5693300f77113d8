"""``cfexp bench``: accuracy and time of cfexp's models and other libraries'."""

import argparse
import logging
import os
import platform
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import cfexp
from cfexp.benchmark.peers import DEFAULT_PEERS, PEERS, check_installed
from cfexp.config.arguments import Parser
from cfexp.config.build import build
from cfexp.config.choices import choices_of
from cfexp.config.compose import compose, conf_dir
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
FILES = ("folds.csv", "table.csv", "curves.csv", "notes.txt")
FIX = "move it away, or choose another folder with --output"
PACKAGES = ("tensorflow", "keras", "numpy", "pandas")
# Of fold: the published ones, where the experiments' split has such.
OFFICIAL = ("1", "2", "3", "4", "5")
# RMSEs, the seconds to which are shown.
GOALS = {
    "ml-100k": [0.95, 0.92, 0.91, 0.9, 0.89, 0.88],
    "ml-1m": [0.9, 0.87, 0.85, 0.84, 0.83],
    "douban-monti": [0.74, 0.735, 0.73, 0.725],
    "flixster-monti": [0.95, 0.92, 0.9, 0.88],
}
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
        default=list(DEFAULT_PEERS),
        metavar="PEER,...",
        help=f"of {', '.join(PEERS)}; or none (default: {','.join(DEFAULT_PEERS)})",
    )
    found.add_argument(
        "--folds",
        type=_names,
        metavar="FOLD,...",
        help="default: 1 to 5 of split=official, else the experiments' own",
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
    goals = _goals(args.goals)
    peers = {} if args.peers == ["none"] else _chosen("peer", args.peers, PEERS)
    models = _models(args)
    ensemble = models.pop(ENSEMBLE, False)
    if not models:
        raise ConfigError("--models needs one of cfexp's models, such as bias.")
    jobs = {fold: _compose(args, fold, list(models)) for fold in _folds(args, models)}
    packages = check_installed(list(peers))

    import pandas as pd

    from cfexp.benchmark.measure import measure_fold, summary, table_row
    from cfexp.data.checks import require_different_ratings

    first = next(iter(next(iter(jobs.values())).values()))
    ratings = first.dataset.load()
    require_different_ratings(ratings.name, ratings.frame["rating"])
    goals = goals or GOALS.get(ratings.name, [])
    rows, points = [], []
    started = time.perf_counter()
    for fold, by_name in jobs.items():
        log.info("fold %s", fold)
        for one in measure_fold(by_name, peers, ratings, ensemble=ensemble):
            rows.append({"fold": fold, **table_row(one, goals, args.clock)})
            of = {"fold": fold, "system": one.system}
            points += [{**of, **point._asdict()} for point in one.curve]
    notes = _notes(packages, args.clock, time.perf_counter() - started)
    folds, curves = pd.DataFrame(rows), pd.DataFrame(points)
    many = f", mean of folds {' '.join(jobs)}" if len(jobs) > 1 else ""
    tables = {"folds": folds, "table": summary(folds), "curves": curves}
    _show(f"{ratings.name}{many}", tables, notes, args.output)


def _models(args: argparse.Namespace) -> dict[str, bool]:
    """Returns the models to test; of default ones, those that have experiments."""
    if args.models:
        return _chosen("model", args.models, dict.fromkeys(MODELS, True))
    known = choices_of("experiment", conf_dir())
    there = [name for name in MODELS if f"{args.dataset}/{name}" in known]
    if not there:
        names = {name.split("/")[0] for name in known if "/" in name}
        raise ConfigError(
            f"there are no experiments of {args.dataset}"
            f"{did_you_mean(args.dataset, names)}. Choose --dataset from:"
            f" {', '.join(sorted(names))}. For your own ratings see cfexp bench --help."
        )
    return dict.fromkeys(there, True)


def _folds(args: argparse.Namespace, models: Mapping[str, bool]) -> list[str]:
    if args.folds:
        return list(args.folds)
    cfg = compose([f"experiment={args.dataset}/{next(iter(models))}", *args.overrides])
    if cfg.split._target_.endswith(".Official"):
        return list(OFFICIAL)
    return [str(cfg.split.fold)] if "fold" in cfg.split else [""]


def _goals(texts: Sequence[str]) -> list[float]:
    try:
        return [float(text) for text in texts]
    except ValueError:
        raise ConfigError(
            f"--goals must be numbers, such as 0.92,0.9. Got: {','.join(texts)}"
        ) from None


def _notes(peers: Mapping[str, str], clock: str, seconds: float) -> dict[str, str]:
    """Returns what the figures depend on; `peers` are versions of other libraries."""
    packages = {**peers, **{name: version(name) for name in PACKAGES}}
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


def _compose(
    args: argparse.Namespace, fold: str, models: list[str]
) -> "dict[str, Experiment]":
    found = {}
    for name in models:
        chosen = [f"experiment={args.dataset}/{name}"]
        chosen += [f"split.fold={fold}"] if fold else []
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
    title: str, tables: "dict[str, pd.DataFrame]", notes: dict[str, str], output: Path
) -> None:
    from cfexp.runtime.console import print_frame, print_lines

    table = tables["table"]
    times = [name for name in table if name in CLOCKS or name.startswith("to ")]
    shown = {n: table[n].map("{:.1f}".format).replace("nan", "never") for n in times}
    print_frame(title, table.assign(**shown))
    print_lines(list(notes.items()))
    lines = [f"{name}: {text}" for name, text in notes.items()]
    with owned.writing(output, FILES, fix=FIX):
        for name, frame in tables.items():
            frame.to_csv(output / f"{name}.csv", index=False)
        (output / "notes.txt").write_text("\n".join(lines) + "\n")
    print_lines([("files", str(output))])
