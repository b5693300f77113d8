"""The repeats of an experiment: the folds of ``cv`` and the seeds of ``seeds``."""

from collections.abc import Sequence
from dataclasses import dataclass

from cfexp.config.identity import effective, is_repeat
from cfexp.config.options import Options
from cfexp.data.folds import KFold, Official
from cfexp.data.given import Given
from cfexp.data.split import Splitter
from cfexp.data.splitters import RandomHoldout
from cfexp.errors import ConfigError
from cfexp.experiment import Experiment

OFFICIAL_FOLDS = 5


@dataclass(frozen=True)
class Repeat:
    """One fold and seed of an experiment.

    Attributes:
        label: The fold and seed, such as ``split.fold=0 seed=1``.
        experiment: The experiment with this fold and seed.
        overrides: Overrides that give the same experiment as a single run.
    """

    label: str
    experiment: Experiment
    overrides: list[str]


def repeats(
    experiment: Experiment, options: Options, overrides: Sequence[str]
) -> list[Repeat]:
    """Returns the repeats of an experiment for the options ``cv`` and ``seeds``.

    Args:
        experiment: The experiment.
        options: The options.
        overrides: The overrides of the command line.

    Raises:
        ConfigError: The split has no folds, or fewer than ``cv``.
    """
    given = [o for o in effective(overrides) if not o.startswith(("cv=", "seeds="))]
    kept = [o for o in given if not is_repeat(o)]
    folds: Sequence[Splitter | None] = [None]
    if options.cv is not None:
        folds = _folds(experiment.split, options.cv)
        if not isinstance(experiment.split, type(folds[0])):
            kept = [o for o in kept if not o.startswith("split")] + ["split=kfold"]
        if isinstance(folds[0], KFold):
            kept = [o for o in kept if not o.startswith("split.folds=")]
            kept.append(f"split.folds={options.cv}")
    if not options.seeds:
        kept += [o for o in given if o.startswith("seed=")]
    first = experiment.seed
    return [
        _repeat(experiment, kept, fold, seed=seed, labelled=bool(options.seeds))
        for seed in range(first, first + (options.seeds or 1))
        for fold in folds
    ]


def _repeat(
    experiment: Experiment,
    overrides: list[str],
    fold: Splitter | None,
    *,
    seed: int,
    labelled: bool,
) -> Repeat:
    """Returns one repeat; `labelled`: its label includes the seed."""
    own = [f"seed={seed}"] if labelled else []
    if fold is not None:
        own = [f"split.fold={getattr(fold, 'fold')}", *own]  # noqa: B009
        experiment = experiment.replace(split=fold)
    return Repeat(" ".join(own), experiment.replace(seed=seed), [*overrides, *own])


def _folds(split: Splitter, n: int) -> list[Splitter]:
    if isinstance(split, Official):
        if n > OFFICIAL_FOLDS:
            raise ConfigError(
                f"cv={n}, but split=official has {OFFICIAL_FOLDS} folds; set cv="
                f"{OFFICIAL_FOLDS} or split=kfold"
            )
        return [split.replace(fold=str(i)) for i in range(1, n + 1)]
    if isinstance(split, Given):
        if n > len(split.folds):
            raise ConfigError(
                f"cv={n}, but split.folds lists {len(split.folds)} files; give one for"
                " each fold"
            )
        return [split.replace(fold=i) for i in range(n)]
    if isinstance(split, RandomHoldout):
        split = KFold()
    if not isinstance(split, KFold):
        raise ConfigError(
            f"cv={n} needs folds, but this split has none. Set split=kfold or"
            " split=official, or use seeds= instead"
        )
    return [split.replace(folds=n, fold=i) for i in range(n)]
