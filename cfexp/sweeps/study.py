"""The study of a search: its trials, in a file that outlives a killed process."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import optuna
from hydra.utils import instantiate
from omegaconf import DictConfig
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, Trial, TrialState

from cfexp.config.space import Dimension, Space, Value

ENDED = (TrialState.COMPLETE, TrialState.PRUNED)
# Attributes of a trial: the folder of its job, and the epoch after which it was pruned.
JOB, PRUNED = "job", "pruned"
# Attribute of a study: the fingerprint of its data.
DATA = "data"


def open_study(path: Path, name: str, **how: Any) -> optuna.Study:
    """Opens a study, or begins it.

    Args:
        path: Its file, which is created if missing.
        name: Its name.
        how: The sampler and the pruner.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    path.parent.mkdir(parents=True, exist_ok=True)
    storage = JournalStorage(JournalFileBackend(str(path)))
    return optuna.create_study(
        storage=storage, study_name=name, load_if_exists=True, **how
    )


def made(options: DictConfig, **others: Any) -> Any:
    """Returns the sampler or pruner of a configuration, experimental or not."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return instantiate(options, **others)


def distribution(one: Dimension) -> BaseDistribution:
    """Returns a dimension as Optuna's."""
    if one.values:
        return CategoricalDistribution(one.values)
    if isinstance(one.low, int) and isinstance(one.high, int):
        return IntDistribution(one.low, one.high, log=one.log, step=int(one.step or 1))
    return FloatDistribution(one.low, one.high, log=one.log, step=one.step)


def begin(study: optuna.Study, present: Mapping[str, Value]) -> None:
    """Prepares a study for more trials; call it in one process at a time.

    A trial whose process was killed is to be tried again; a new study begins with the
    present values of the configuration.
    """
    for trial in study.get_trials(states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
        if trial.params:
            study.enqueue_trial(trial.params)
    if not study.get_trials(deepcopy=False):
        study.enqueue_trial(dict(present))


def is_of(study: optuna.Study, data: str) -> bool:
    """Returns whether the trials of a study are of some data; a new one's will be.

    Args:
        study: The study.
        data: The fingerprint of the data.
    """
    known = study.user_attrs.get(DATA)
    if known is None:
        study.set_user_attr(DATA, data)
    return known in (None, data)


def ask(study: optuna.Study, space: Space) -> Trial:
    """Returns the next trial of a study."""
    return study.ask({n: distribution(one) for n, one in space.dimensions.items()})


def ended(study: optuna.Study) -> list[FrozenTrial]:
    """Returns the trials that need not be tried again."""
    return study.get_trials(deepcopy=False, states=ENDED)


def same_as(trials: Sequence[FrozenTrial], trial: Trial) -> FrozenTrial | None:
    """Returns an ended trial with the values of another one; None if there is none."""
    return next((one for one in trials if one.params == trial.params), None)


def tell(study: optuna.Study, trial: Trial | int, value: float | None) -> None:
    """Ends a trial: with its value, or as pruned if its job was, or failed if None."""
    number = trial if isinstance(trial, int) else trial.number
    state = TrialState.COMPLETE if value is not None else TrialState.FAIL
    if PRUNED in study.get_trials(deepcopy=False)[number].user_attrs:
        value, state = None, TrialState.PRUNED
    try:
        study.tell(number, value, state)
    except RuntimeError as error:  # of a grid that is done
        if "Study.stop" not in str(error):
            raise
