"""A sweep over every combination of the options' values."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf


class Grid(Sweeper):
    """Runs every combination of the values that options list, each equal job once.

    Args:
        params: Swept options besides those of the command line, as in
            ``{"model.l2": "0.1,0.2"}``.
        max_batch_size: Jobs that the launcher gets at a time; None: all.
    """

    def __init__(
        self, params: dict[str, str] | None = None, max_batch_size: int | None = None
    ):
        self.max_batch_size = max_batch_size
        self.config: DictConfig | None = None
        self.launcher: Launcher | None = None

    def setup(
        self,
        *,
        hydra_context: HydraContext,
        task_function: TaskFunction,
        config: DictConfig,
    ) -> None:
        from cfexp.config.jobs import checked  # Hydra imports this module for --help

        self.config = config
        loader = checked(config).loader
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=HydraContext(loader, hydra_context.callbacks),
            task_function=task_function,
            config=config,
        )

    def sweep(self, arguments: list[str]) -> list[Sequence[JobReturn]]:
        """Runs the jobs; returns their results, by batch.

        Args:
            arguments: Not read; the jobs are those of the configuration.
        """
        from cfexp.config.jobs import checked

        assert self.config
        assert self.launcher
        jobs = [list(job.overrides) for job in checked(self.config).jobs]
        folder = Path(self.config.hydra.sweep.dir)
        folder.mkdir(parents=True, exist_ok=True)
        OmegaConf.save(self.config, folder / "multirun.yaml")
        found: list[Sequence[JobReturn]] = []
        size = self.max_batch_size or len(jobs)
        for start in range(0, len(jobs), size):
            batch: Any = jobs[start : start + size]
            done = self.launcher.launch(batch, initial_job_idx=start)
            for one in done:
                if one.status is JobStatus.FAILED:
                    # `return_value` would print a line of Hydra's, too.
                    raise one._return_value
            found.append(done)
        return found
