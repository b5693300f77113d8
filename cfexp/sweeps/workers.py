"""A launcher that runs several jobs at once, in processes of this machine."""

import pickle
from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn, configure_log, run_job, setup_globals
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict

from cfexp.errors import TrainingError


@dataclass(frozen=True)
class _Sweep:
    """What all jobs of a sweep share; a process that receives it twice keeps the first.

    Attributes:
        context: Hydra's loader and callbacks.
        config: The sweep's configuration, including the node ``hydra``.
        task: Runs a job.
    """

    context: HydraContext
    config: DictConfig
    task: TaskFunction

    def __reduce__(self) -> tuple[Any, ...]:
        return _received, (self._sent,)

    @cached_property
    def _sent(self) -> bytes:
        # It takes resolvers that are functions of functions, too.
        from joblib.externals import cloudpickle

        state = Singleton.get_state()
        return cloudpickle.dumps((self.context, self.config, self.task, state))

    def run(self, number: int, overrides: Sequence[str]) -> JobReturn:
        """Runs a job in this process, as Hydra's launchers do.

        Args:
            number: Its number.
            overrides: Its overrides.
        """
        job = self.context.config_loader.load_sweep_config(self.config, [*overrides])
        with open_dict(job):
            job.hydra.job.id = f"{job.hydra.job.name}_{number}"
            job.hydra.job.num = number
        HydraConfig.instance().set_config(job)
        done = run_job(
            hydra_context=self.context,
            config=job,
            task_function=self.task,
            job_dir_key="hydra.sweep.dir",
            job_subdir_key="hydra.sweep.subdir",
        )
        done.cfg = done.hydra_cfg = None  # large, and in the job's folder
        return done


@lru_cache(maxsize=1)
def _received(sent: bytes) -> _Sweep:
    """Makes this process know a sweep, and what Hydra has registered in the sweep's."""
    context, config, task, state = pickle.loads(sent)
    setup_globals()
    Singleton.set_state(state)
    return _Sweep(context, config, task)


class Workers(Launcher):
    """Runs jobs in processes of joblib, which are kept and get one job at a time.

    Hydra's own launcher for joblib sends the whole sweep with each job, and looks for
    all plugins again: a tenth of the time of a short job.

    Args:
        options: Arguments of `joblib.Parallel`, as in
            ``conf/hydra/launcher/joblib.yaml``.
    """

    config: DictConfig

    def __init__(self, **options: Any):
        self.options = options

    def setup(
        self,
        *,
        hydra_context: HydraContext,
        task_function: TaskFunction,
        config: DictConfig,
    ) -> None:
        self.config = config
        self._sweep = _Sweep(hydra_context, config, task_function)

    def launch(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> list[JobReturn]:
        """Runs jobs; returns their results, in the order of the jobs.

        Args:
            job_overrides: The overrides of each job.
            initial_job_idx: The first job's number.

        Raises:
            TrainingError: One of the processes was killed.
        """
        from joblib import Parallel, delayed  # Hydra imports this module for --help

        setup_globals()
        configure_log(self.config.hydra.hydra_logging, self.config.hydra.verbose)
        Path(self.config.hydra.sweep.dir).mkdir(parents=True, exist_ok=True)
        jobs = enumerate(job_overrides, initial_job_idx)
        try:
            return Parallel(**self.options, backend="loky")(
                delayed(self._sweep.run)(number, list(one)) for number, one in jobs
            )
        except BrokenProcessPool as error:
            raise TrainingError(
                "a process of this sweep was killed, as happens where memory is short."
                " Start the sweep again to go on with the jobs that are not finished;"
                " fewer at once, as with hydra.launcher.n_jobs=1, take less memory"
            ) from error
