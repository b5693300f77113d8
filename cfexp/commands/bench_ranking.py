"""``cfexp bench --ranking``: how well cfexp's models and implicit's rank movies."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cfexp.benchmark.jobs import chosen, experiments_of, folds_of
from cfexp.errors import ConfigError
from cfexp.runtime import owned

if TYPE_CHECKING:
    import pandas as pd

    from cfexp.experiment import Experiment

FILES = ("ranking_folds.csv", "ranking.csv")
FIX = "move it away, or choose another folder with --output"
SUFFIX = "-ranking"
MODELS = ("dot",)
PEERS = ("implicit-als", "implicit-bpr")


def rank_all(
    dataset: str,
    peers: Sequence[str] | None,
    folds: Sequence[str] | None,
    overrides: Sequence[str],
    output: Path,
) -> None:
    """Measures the experiments ``DATASET/MODEL-ranking`` and implicit's models.

    Prints their measures of the full catalogue, and writes them to the output folder.

    Args:
        dataset: Folder of the experiments.
        peers: Models of implicit; None: all.
        folds: The folds; None: the experiments' own.
        overrides: Hydra overrides.
        output: The output folder.

    Raises:
        CfexpError: An argument is wrong, or implicit is not installed.
    """
    owned.check(output, FILES, fix=FIX)
    names = [f"{model}{SUFFIX}" for model in MODELS]
    own = folds or folds_of(f"{dataset}/{names[0]}", list(overrides))
    jobs = {fold: experiments_of(dataset, names, fold, overrides) for fold in own}
    name, tables = _measured(jobs, _checked(peers))
    title = f"{name}, full catalogue"
    if len(own) > 1:
        title += f", mean of folds {' '.join(own)}"
    from cfexp.runtime.console import print_frame, print_lines

    print_frame(title, tables[1])
    with owned.writing(output, FILES, fix=FIX):
        for file, table in zip(FILES, tables, strict=True):
            table.to_csv(output / file, index=False)
    print_lines([("files", str(output))])


def _measured(
    jobs: "Mapping[str, dict[str, Experiment]]", peers: Sequence[str]
) -> "tuple[str, tuple[pd.DataFrame, pd.DataFrame]]":
    """Returns the dataset's name, and the measures of each fold and their means."""
    import pandas as pd

    from cfexp.benchmark.implicit import PEERS as ALL
    from cfexp.benchmark.rankings import rank_fold, summary

    first = next(iter(next(iter(jobs.values())).values()))
    ratings, rows = first.dataset.load(), []
    for fold, by_name in jobs.items():
        measured = rank_fold(by_name, {name: ALL[name] for name in peers}, ratings)
        rows += [{"fold": fold, **one} for one in measured]
    table = pd.DataFrame(rows)
    return ratings.name, (table, summary(table))


def _checked(peers: Sequence[str] | None) -> list[str]:
    """Returns the peers, if implicit is there.

    Raises:
        ConfigError: A name is unknown, or implicit is not installed.
    """
    from importlib.util import find_spec

    named = [] if peers == ["none"] else list(PEERS if peers is None else peers)
    chosen("peer", named, dict.fromkeys(PEERS))
    if named and find_spec("implicit") is None:
        raise ConfigError(
            "bench --ranking needs implicit, which is not installed. Install it with"
            " pip install 'cfexp[bench]', or leave it out with --peers none."
        )
    return named
