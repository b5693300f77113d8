"""The folds and seeds that ``cv`` and ``seeds`` ask for."""

from collections.abc import Sequence
from dataclasses import dataclass

from cfexp.config.identity import is_repeat, telling
from cfexp.config.schema import Options
from cfexp.data.split import Splitter
from cfexp.data.splitters import KFold, Official, RandomHoldout
from cfexp.errors import ConfigError
from cfexp.experiment import Experiment

OFFICIAL_FOLDS = 5


@dataclass(frozen=True)
class Repeat:
    """One of the folds and seeds that together are one result.

    Attributes:
        label: Which, such as ``split.fold=0 seed=1``.
        experiment: Its experiment.
        overrides: Options that give the same experiment as a single run.
    """

    label: str
    experiment: Experiment
    overrides: list[str]


def repeats(
    experiment: Experiment, options: Options, overrides: Sequence[str]
) -> list[Repeat]:
    """Returns the experiments that ``cv`` and ``seeds`` ask for.

    Args:
        experiment: What was composed.
        options: How often to repeat it.
        overrides: What the user set on the command line.

    Raises:
        ConfigError: The split knows no folds.
    """
    said = [o for o in telling(overrides) if not o.startswith(("cv=", "seeds="))]
    kept = [o for o in said if not is_repeat(o)]
    folds: Sequence[Splitter | None] = [None]
    if options.cv is not None:
        folds = _folds(experiment.split, options.cv)
        if not isinstance(experiment.split, type(folds[0])):
            kept = [o for o in kept if not o.startswith("split")] + ["split=kfold"]
        if isinstance(folds[0], KFold):
            kept = [o for o in kept if not o.startswith("split.folds=")]
            kept.append(f"split.folds={options.cv}")
    if not options.seeds:
        kept += [o for o in said if o.startswith("seed=")]
    first = experiment.seed
    return [
        _repeat(experiment, kept, fold, seed=seed, named=bool(options.seeds))
        for seed in range(first, first + (options.seeds or 1))
        for fold in folds
    ]


def _repeat(
    experiment: Experiment,
    overrides: list[str],
    fold: Splitter | None,
    *,
    seed: int,
    named: bool,
) -> Repeat:
    """Returns one repeat; its label names the seed where there are several."""
    said = [f"seed={seed}"] if named else []
    if fold is not None:
        said = [f"split.fold={getattr(fold, 'fold')}", *said]  # noqa: B009
        experiment = experiment.replace(split=fold)
    return Repeat(" ".join(said), experiment.replace(seed=seed), [*overrides, *said])


def _folds(split: Splitter, n: int) -> list[Splitter]:
    if isinstance(split, Official):
        if n > OFFICIAL_FOLDS:
            raise ConfigError(
                f"cv={n}, but split=official has {OFFICIAL_FOLDS} folds; set cv="
                f"{OFFICIAL_FOLDS} or split=kfold"
            )
        return [split.replace(fold=str(i)) for i in range(1, n + 1)]
    if isinstance(split, RandomHoldout):
        split = KFold()
    if not isinstance(split, KFold):
        raise ConfigError(
            f"cv={n} needs folds, but this split has none. Set split=kfold or"
            " split=official, or use seeds= instead"
        )
    return [split.replace(folds=n, fold=i) for i in range(n)]
