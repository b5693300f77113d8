"""Reports the epochs of a search's job to its study, which may prune it."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig

from cfexp.config.build import Request
from cfexp.config.jobs import SEARCH
from cfexp.config.objective import chosen_by
from cfexp.errors import Pruned
from cfexp.evaluation.objective import VAL_MAE, VAL_RMSE
from cfexp.training.history import Epoch
from cfexp.training.recipe import ignore
from cfexp.training.validation import monitored

if TYPE_CHECKING:
    from optuna.trial import Trial

    from cfexp.evaluation.objective import Objective


def reporter_of(hydra: Any, request: Request) -> Callable[[Epoch], None]:
    """Returns the `reporter` of a job, and checks ``objective`` and ``best_of``."""
    objective, _ = (chosen_by(one, request) for one in ("objective", "best_of"))
    return reporter(hydra, objective, monitored(request.experiment))


def reporter(
    hydra: Any, objective: "Objective", monitor: str
) -> Callable[[Epoch], None]:
    """Returns what a job calls after each epoch: a `Reporter`, if it is of a search.

    Args:
        hydra: The node ``hydra`` of the job's configuration.
        objective: The validation metric by which the search chooses.
        monitor: The validation metric of each epoch, besides RMSE and MAE.
    """
    known = {VAL_RMSE, VAL_MAE, monitor}
    if str(hydra.sweeper._target_) != SEARCH or objective.name not in known:
        return ignore
    return Reporter(hydra.sweeper, Path(hydra.runtime.output_dir), objective)


class Reporter:
    """Reports the best value so far to a study, after each epoch.

    Args:
        sweeper: The sweeper's configuration.
        folder: The job's folder, which identifies its trial.
        objective: The validation metric.
    """

    def __init__(self, sweeper: DictConfig, folder: Path, objective: "Objective"):
        self.sweeper, self.folder, self.objective = sweeper, folder, objective
        self.best = math.nan
        self._trial: Trial | None = None

    def __call__(self, epoch: Epoch) -> None:
        """Reports an epoch.

        Raises:
            Pruned: The study gives the job up.
        """
        value = epoch.value(self.objective.name)
        if math.isnan(value):
            return
        known = [self.best] if not math.isnan(self.best) else []
        self.best = self.objective.best([value, *known])
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
