"""Reports how a search's job goes to its study, which may prune it."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig

from cfexp.config.build import Request
from cfexp.config.jobs import SEARCH
from cfexp.config.objective import chosen_by
from cfexp.errors import Pruned
from cfexp.evaluation.objective import VAL_MAE, VAL_RMSE
from cfexp.training.history import Epoch
from cfexp.training.listener import Listener
from cfexp.training.validation import monitored

if TYPE_CHECKING:
    from optuna.trial import Trial

    from cfexp.evaluation.objective import Objective


def listener_of(hydra: Any, request: Request) -> Listener:
    """Returns who hears how a job goes: a `Reporter`, if it is of a search.

    Args:
        hydra: The node ``hydra`` of the job's configuration.
        request: The job's objects.

    Raises:
        ConfigError: ``objective`` or ``best_of`` is not a validation metric.
    """
    objective, _ = (chosen_by(one, request) for one in ("objective", "best_of"))
    if str(hydra.sweeper._target_) != SEARCH:
        return Listener()
    folder = Path(hydra.runtime.output_dir)
    return Reporter(hydra.sweeper, folder, objective, monitored(request.experiment))


class Reporter(Listener):
    """Reports the objective to a study: the best so far, or the mean of repeats.

    Args:
        sweeper: The sweeper's configuration.
        folder: The job's folder, which identifies its trial.
        objective: The validation metric by which the search chooses.
        monitor: The validation metric of each epoch, besides RMSE and MAE.
    """

    def __init__(
        self, sweeper: DictConfig, folder: Path, objective: "Objective", monitor: str
    ):
        self.sweeper, self.folder, self.objective = sweeper, folder, objective
        self.best = math.nan
        self._known = {VAL_RMSE, VAL_MAE, monitor}
        self._trial: Trial | None = None

    def on_epoch(self, epoch: Epoch) -> None:
        """Reports the best epoch so far, if the objective is known after each epoch.

        Raises:
            Pruned: The study gives the job up.
        """
        name = self.objective.name
        if name not in self._known or math.isnan(value := epoch.value(name)):
            return
        known = [self.best] if not math.isnan(self.best) else []
        self.best = self.objective.best([value, *known])
        if self._is_pruned(epoch.epoch, self.best):
            raise Pruned(f"epoch {epoch.epoch}", self.best)

    def on_repeat(self, found: Sequence[Mapping[str, float]], n: int) -> None:
        """Reports the mean of the repeats so far; after the last one nothing is pruned.

        Raises:
            Pruned: The study gives the job up.
        """
        values = [metrics.get(self.objective.name, math.nan) for metrics in found]
        mean = sum(values) / len(values)
        if math.isnan(mean):
            return
        if self._is_pruned(len(found), mean, may_be=len(found) < n):
            raise Pruned(f"repeat {len(found)} of {n}", mean)

    def _is_pruned(self, step: int, value: float, *, may_be: bool = True) -> bool:
        """Reports a value; returns whether the study gives the job up."""
        trial = self._trial = self._trial or self._found()
        if trial is None:
            return False
        trial.report(value, step)
        if not may_be or not trial.should_prune():
            return False
        from cfexp.sweeps.study import PRUNED

        trial.set_user_attr(PRUNED, step)
        return True

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
