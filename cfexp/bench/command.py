"""``cfexp bench``: the README's table of accuracy and time, in one command."""

import argparse
import logging
import os
import platform
import time
from collections.abc import Collection
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import cfexp
from cfexp import config
from cfexp.bench.peers import PEERS, check_installed
from cfexp.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)

ENSEMBLE = "ensemble"
MODELS = ("bias", "dot", "ncf", "deep", "autorec", "kernelae", "svdpp", "fm", ENSEMBLE)
TARGET = "surprise-svd"
PACKAGES = ("tensorflow", "keras", "numpy", "pandas")


def parser() -> argparse.ArgumentParser:
    """Returns the command's parser."""
    found = argparse.ArgumentParser(
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
        help="experiments PREFIX-MODEL to take the models' settings from",
    )
    found.add_argument(
        "--models", type=_names, default=list(MODELS), metavar="MODEL,..."
    )
    found.add_argument(
        "--peers",
        type=_names,
        default=list(PEERS),
        metavar="PEER,...",
        help=f"of {', '.join(PEERS)} (all), or none",
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
        CfexpError: Something the user can mend; the message says how.
    """
    args = parser().parse_intermixed_args(arguments)
    logging.basicConfig(format="[%(levelname)s] %(message)s")
    logging.getLogger("cfexp").setLevel(logging.INFO)
    peers = [] if args.peers == ["none"] else args.peers
    _check_names("model", args.models, MODELS)
    _check_names("peer", peers, PEERS)
    names = [name for name in args.models if name != ENSEMBLE]
    if not names:
        raise ConfigError("--models needs one of cfexp's models, such as bias.")
    common = ["tracking=none", *args.overrides]
    configs = {
        (fold, name): config.compose(
            [f"experiment={args.experiments}-{name}", f"split.fold={fold}", *common]
        )
        for fold in args.folds
        for name in names
    }
    specs = {key: config.build(cfg) for key, cfg in configs.items()}
    packages = check_installed(peers)

    import pandas as pd

    from cfexp.bench.measure import (
        Contender,
        measure_fold,
        summary,
        with_target,
    )
    from cfexp.fitting import Settings

    ratings = next(iter(specs.values()))["dataset"].load()
    rows = []
    started = time.perf_counter()
    for fold in args.folds:
        log.info("fold %s", fold)
        cfg, first = configs[fold, names[0]], specs[fold, names[0]]
        found = measure_fold(
            [
                Contender(
                    name,
                    specs[fold, name]["model"],
                    Settings(
                        specs[fold, name]["training"],
                        specs[fold, name]["optimizer"],
                        cfg.seed,
                        cfg.deterministic,
                    ),
                )
                for name in names
            ],
            {name: PEERS[name] for name in peers},
            ratings,
            first["split"].split(ratings, seed=cfg.seed),
            ensemble=ENSEMBLE in args.models,
            seed=cfg.seed,
        )
        rows += [{"fold": fold, **asdict(one)} for one in with_target(found, TARGET)]
    folds = pd.DataFrame(rows)
    packages |= {name: version(name) for name in PACKAGES}
    packages["cfexp"] = cfexp.__version__
    notes = {
        "to_target": f"seconds to the validation RMSE of {TARGET}; imports excluded",
        "versions": ", ".join(f"{k} {v}" for k, v in sorted(packages.items())),
        "machine": f"{os.cpu_count()} CPUs, Python {platform.python_version()},"
        f" {time.perf_counter() - started:.0f} s in all",
    }
    title = f"{ratings.name}, mean of folds {' '.join(args.folds)}"
    _show(title, folds, summary(folds), notes, args.output)


def _check_names(kind: str, names: list[str], known: Collection[str]) -> None:
    for name in names:
        if name not in known:
            raise ConfigError(
                f"{kind} {name} is not in the benchmark{did_you_mean(name, known)}."
                f" There are: {', '.join(known)}."
            )


def _show(
    title: str,
    folds: "pd.DataFrame",
    table: "pd.DataFrame",
    notes: dict[str, str],
    output: Path,
) -> None:
    from cfexp import report

    report.print_frame(title, table)
    report.print_lines(list(notes.items()))
    output.mkdir(parents=True, exist_ok=True)
    folds.drop(columns="curve").to_csv(output / "folds.csv", index=False)
    table.to_csv(output / "table.csv", index=False)
    lines = [f"{name}: {text}" for name, text in notes.items()]
    (output / "notes.txt").write_text("\n".join(lines) + "\n")
    report.print_lines([("files", str(output))])
