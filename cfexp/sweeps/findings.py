"""What a search found: its trials, and which option mattered."""

import logging
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path

import optuna
import pandas as pd
from optuna.trial import FrozenTrial, TrialState

from cfexp.evaluation.importance import MIN_JOBS
from cfexp.runtime import owned
from cfexp.sweeps.study import ended
from cfexp.tracking.folder import IMPORTANCE, TRIALS

log = logging.getLogger(__name__)


def write(study: optuna.Study, folder: Path) -> None:
    """Writes the trials of a search, the importance of its options.

    Args:
        study: The study.
        folder: The folder, created if missing.
    """
    trials = ended(study)
    if not trials:
        return
    maximise = study.direction is optuna.study.StudyDirection.MAXIMIZE
    best = max if maximise else min
    table = pd.DataFrame([_row(trial, best) for trial in trials])
    importance = importance_of(study)
    with owned.writing(folder, [TRIALS, IMPORTANCE], fix=owned.OTHER_SWEEP):
        table.to_csv(folder / TRIALS, index=False)
        importance.to_csv(folder / IMPORTANCE, header=True, index_label="option")
    pruned = table[table["state"] == "pruned"]
    log.info(
        "%d trials, %d of them pruned: %d epochs in all; see %s",
        len(table),
        len(pruned),
        table["epochs"].sum(),
        folder,
    )


def _row(
    trial: FrozenTrial, best: Callable[[Iterable[float]], float]
) -> dict[str, object]:
    steps = trial.intermediate_values
    return {
        "trial": trial.number,
        "state": "pruned" if trial.state is TrialState.PRUNED else "finished",
        "value": best(steps.values()) if trial.value is None and steps else trial.value,
        "epochs": max(steps, default=0),
        **trial.params,
    }


def importance_of(study: optuna.Study) -> pd.Series:
    """Returns the importance of each option, the largest first; they add up to 1.

    Empty where there are too few finished trials, or all have the same result.
    """
    finished = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    varied = {trial.value for trial in finished}
    found: dict[str, float] = {}
    if len(finished) >= MIN_JOBS and len(varied) > 1:
        evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return pd.Series(found, name="importance", dtype=float)
