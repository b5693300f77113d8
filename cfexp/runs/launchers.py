"""What a launcher or sweeper of Hydra needs, and gives to a job."""

import importlib.util
import os

from omegaconf import DictConfig

from cfexp.errors import ConfigError

# The part of a plugin's module that names the extra it comes with.
EXTRAS = {
    "hydra_joblib_launcher": "joblib",
    "hydra_ray_launcher": "ray",
    "hydra_submitit_launcher": "slurm",
    "hydra_optuna_sweeper": "optuna",
}


def threads_for_each(launcher: DictConfig) -> int:
    """Returns how many threads each job may use; 0 where it has all of the machine."""
    cpus = os.cpu_count() or 1
    if "n_jobs" in launcher:  # joblib
        jobs = cpus if launcher.n_jobs < 0 else launcher.n_jobs
        return max(1, cpus // max(1, jobs))
    if "ray" in launcher:
        return max(1, int(launcher.ray.remote.num_cpus))
    if "cpus_per_task" in launcher:  # submitit
        return int(launcher.cpus_per_task or 0)
    return 0


def check_installed(target: str) -> None:
    """Checks that a launcher's or sweeper's package is there.

    Raises:
        ConfigError: It is not; the message names the extra.
    """
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
