"""What a search found: its trials, and which option mattered."""

import logging
import warnings
from pathlib import Path

import optuna
import pandas as pd
from optuna.trial import FrozenTrial, TrialState

from cfexp.evaluation.importance import MIN_JOBS
from cfexp.runtime import owned
from cfexp.sweeps.study import ended
from cfexp.tracking.folder import IMPORTANCE, TRIALS

log = logging.getLogger(__name__)


def write(study: optuna.Study, folder: Path, steps: str) -> None:
    """Writes the trials of a search, the importance of its options.

    Args:
        study: The study.
        folder: The folder, created if missing.
        steps: After what a trial may be pruned: ``epochs`` or ``repeats``.
    """
    trials = ended(study)
    if not trials:
        return
    table = pd.DataFrame([_row(trial, steps) for trial in trials])
    importance = importance_of(study)
    with owned.writing(folder, [TRIALS, IMPORTANCE], fix=owned.OTHER_SWEEP):
        table.to_csv(folder / TRIALS, index=False)
        importance.to_csv(folder / IMPORTANCE, header=True, index_label="option")
    pruned = table[table["state"] == "pruned"]
    log.info(
        "%d trials, %d of them pruned: %d %s in all; see %s",
        len(table),
        len(pruned),
        table[steps].sum(),
        steps,
        folder,
    )


def _row(trial: FrozenTrial, steps: str) -> dict[str, object]:
    reported = trial.intermediate_values
    last = max(reported, default=0)
    return {
        "trial": trial.number,
        "state": "pruned" if trial.state is TrialState.PRUNED else "finished",
        "value": reported.get(last) if trial.value is None else trial.value,
        steps: last,
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
