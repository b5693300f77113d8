"""A sweeper whose jobs are checked, and composed fast."""

from pathlib import Path
from typing import TYPE_CHECKING

from hydra.core.plugins import Plugins
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

if TYPE_CHECKING:
    from cfexp.config.loader import JobLoader


class CheckedSweeper(Sweeper):
    """Base class of sweepers whose jobs `cfexp.config.jobs` checks.

    Attributes:
        config: The sweep's configuration, including the node ``hydra``.
        launcher: Runs the jobs.
        loader: Composes them.
    """

    config: DictConfig
    launcher: Launcher
    loader: "JobLoader"

    def setup(
        self,
        *,
        hydra_context: HydraContext,
        task_function: TaskFunction,
        config: DictConfig,
    ) -> None:
        from cfexp.config.jobs import checked  # Hydra imports this module for --help

        self.config, self.loader = config, checked(config).loader
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=HydraContext(self.loader, hydra_context.callbacks),
            task_function=task_function,
            config=config,
        )

    def begin(self) -> Path:
        """Writes the configuration into the sweep's folder, and returns the folder."""
        folder = Path(self.config.hydra.sweep.dir)
        folder.mkdir(parents=True, exist_ok=True)
        OmegaConf.save(self.config, folder / "multirun.yaml")
        return folder
