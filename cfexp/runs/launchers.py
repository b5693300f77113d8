"""Hydra's launchers and sweepers: their packages, and threads for each job."""

import importlib.util
import os

from omegaconf import DictConfig

from cfexp.errors import ConfigError

# The extra of cfexp that installs a plugin, by a part of the plugin's module name.
EXTRAS = {
    "hydra_ray_launcher": "ray",
    "hydra_submitit_launcher": "slurm",
    "optuna.": "optuna",
}


def threads_for_each(launcher: DictConfig) -> int:
    """Returns how many threads each job may use; 0 if jobs run one after the other.

    Raises:
        ConfigError: The number of jobs at once is none.
    """
    cpus = os.cpu_count() or 1
    if "n_jobs" in launcher:  # of `cfexp.sweeps.workers`
        jobs = launcher.n_jobs
        if type(jobs) is not int or jobs == 0:
            raise ConfigError(
                f"hydra.launcher.n_jobs={jobs} is no number of jobs at once: give 1 or"
                " more, or -1 for one for each processor"
            )
        at_once = jobs if jobs > 0 else cpus + 1 + jobs  # -2: all but one
        return max(1, cpus // max(1, at_once))
    if "ray" in launcher:
        return max(1, int(launcher.ray.remote.num_cpus))
    if "cpus_per_task" in launcher:  # submitit
        return int(launcher.cpus_per_task or 0)
    return 0


def check_installed(plugin: DictConfig | None) -> None:
    """Checks that the package of a launcher, sweeper or sampler is installed, if any.

    Raises:
        ConfigError: It is not; the message names the extra to install.
    """
    if plugin is None:
        return
    target = str(plugin._target_)
    package = target.rpartition(".")[0]
    try:
        found = importlib.util.find_spec(package)
    except ModuleNotFoundError:
        found = None
    extra = next((e for name, e in EXTRAS.items() if name in target), None)
    if found is None and extra:
        raise ConfigError(
            f"this launcher or sweeper is not installed: {target}. Install it with: pip"
            f" install 'cfexp[{extra}]'"
        )
