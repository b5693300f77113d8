"""Reports the epochs of a search's job to its study, which may prune it."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig

from cfexp.config.jobs import SEARCH
from cfexp.errors import Pruned
from cfexp.training.history import Epoch
from cfexp.training.recipe import ignore

if TYPE_CHECKING:
    from optuna.trial import Trial


def reporter(hydra: Any, objective: str) -> Callable[[Epoch], None]:
    """Returns what a job calls after each epoch: a `Reporter`, if it is of a search.

    Args:
        hydra: The node ``hydra`` of the job's configuration.
        objective: The validation metric that the search minimises.
    """
    if str(hydra.sweeper._target_) != SEARCH:
        return ignore
    return Reporter(hydra.sweeper, Path(hydra.runtime.output_dir), objective)


class Reporter:
    """Reports the validation error of each epoch to a study.

    Args:
        sweeper: The sweeper's configuration.
        folder: The job's folder, which identifies its trial.
        objective: The validation metric.
    """

    def __init__(self, sweeper: DictConfig, folder: Path, objective: str):
        self.sweeper, self.folder, self.objective = sweeper, folder, objective
        self.best = math.inf
        self._trial: Trial | None = None

    def __call__(self, epoch: Epoch) -> None:
        """Reports an epoch.

        Raises:
            Pruned: The study gives the job up.
        """
        value = float(getattr(epoch, self.objective))
        if math.isnan(value):
            return
        self.best = min(self.best, value)
        trial = self._trial = self._trial or self._found()
        if trial is None:
            return
        trial.report(self.best, epoch.epoch)
        if trial.should_prune():
            from cfexp.sweeps.study import PRUNED

            trial.set_user_attr(PRUNED, epoch.epoch)
            raise Pruned(epoch.epoch, self.best)

    def _found(self) -> "Trial | None":
        from optuna.trial import Trial

        from cfexp.sweeps.study import JOB, made, open_study

        study = open_study(
            Path(self.sweeper.storage),
            self.sweeper.study_name,
            pruner=made(self.sweeper.pruner),
        )
        trials = reversed(study.get_trials(deepcopy=False))
        mine = (t for t in trials if t.user_attrs.get(JOB) == str(self.folder))
        found = next(mine, None)
        return Trial(study, found._trial_id) if found else None
