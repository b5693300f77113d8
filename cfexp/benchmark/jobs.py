"""What a benchmark runs: models, peers, folds, and the experiment of each."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from cfexp.config.build import build
from cfexp.config.choices import choices_of
from cfexp.config.compose import compose, conf_dir
from cfexp.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from cfexp.experiment import Experiment

T = TypeVar("T")

ENSEMBLE = "ensemble"
MODELS = (
    *("bias", "dot", "ncf", "deep", "autorec", "kernelae", "svdpp", "fm", "bayes"),
    ENSEMBLE,
)
OFFICIAL = ("1", "2", "3", "4", "5")
# RMSEs that the seconds to are shown of.
GOALS = {
    "ml-100k": [0.92, 0.91, 0.9, 0.89, 0.88],
    "ml-1m": [0.9, 0.87, 0.85, 0.84, 0.83],
    "douban-monti": [0.74, 0.735, 0.73, 0.725],
    "flixster-monti": [0.95, 0.92, 0.9, 0.88],
}


def models_of(dataset: str, names: Sequence[str] | None) -> list[str]:
    """Returns the models to test.

    Args:
        dataset: Folder of the experiments.
        names: The models; None: those that have an experiment.

    Raises:
        ConfigError: A name is unknown, or there are no experiments.
    """
    if names:
        return list(chosen("model", names, dict.fromkeys(MODELS)))
    known = choices_of("experiment", conf_dir())
    there = [name for name in MODELS if f"{dataset}/{name}" in known]
    if not there:
        folders = {name.split("/")[0] for name in known if "/" in name}
        raise ConfigError(
            f"there are no experiments of {dataset}{did_you_mean(dataset, folders)}."
            f" Choose --dataset from: {', '.join(sorted(folders))}. For your own"
            " ratings see cfexp bench --help."
        )
    return there


def folds_of(experiment: str, overrides: Sequence[str]) -> list[str]:
    """Returns the folds of an experiment's split: the published ones, or its own."""
    split = compose([f"experiment={experiment}", *overrides]).split
    if split._target_.endswith(".Official"):
        return list(OFFICIAL)
    return [str(split.fold)] if "fold" in split else [""]


def goals_of(texts: Sequence[str]) -> list[float]:
    """Returns RMSEs.

    Raises:
        ConfigError: One is no number.
    """
    try:
        return [float(text) for text in texts]
    except ValueError:
        raise ConfigError(
            f"--goals must be numbers, such as 0.92,0.9. Got: {','.join(texts)}"
        ) from None


def experiments_of(
    dataset: str, models: Sequence[str], fold: str, overrides: Sequence[str]
) -> "dict[str, Experiment]":
    """Returns the experiments of some models on one fold, by model.

    Args:
        dataset: Folder of the experiments.
        models: The models.
        fold: The fold; empty if the split has none.
        overrides: Hydra overrides.

    Raises:
        ConfigError: An option is wrong.
    """
    own = [f"split.fold={fold}"] if fold else []
    return {
        model: build(
            compose(
                [f"experiment={dataset}/{model}", *own, "tracking=none", *overrides]
            )
        ).experiment
        for model in models
    }


def chosen(kind: str, names: Sequence[str], known: Mapping[str, T]) -> dict[str, T]:
    """Returns some of what is known, by name.

    Raises:
        ConfigError: A name is unknown.
    """
    for name in names:
        if name not in known:
            raise ConfigError(
                f"{kind} {name} is not in the benchmark{did_you_mean(name, known)}."
                f" Choose from: {', '.join(known)}."
            )
    return {name: known[name] for name in names}
