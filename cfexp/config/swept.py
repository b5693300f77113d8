"""Composes a sweep outside of a run, for ``cfexp plan``."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from hydra.core.utils import setup_globals
from hydra.types import RunMode
from omegaconf import DictConfig

from cfexp.config.compose import own_hydra, without_nulls
from cfexp.config.deferred import for_each_job, for_the_sweep
from cfexp.config.grid import Grid, SweptJob
from cfexp.config.jobs import grid_or_probes
from cfexp.config.loader import JobLoader


@dataclass(frozen=True)
class Sweep:
    """A composed sweep, or a single run.

    Attributes:
        config: Its configuration, including the node ``hydra``.
        loader: Composes its jobs.
        jobs: The jobs; of a search, those that stand for its space.
        is_sweep: Whether it is a sweep.
        trials: The number of jobs of a search; None if it is none.
    """

    config: DictConfig
    loader: JobLoader
    jobs: Grid | list[SweptJob]
    is_sweep: bool
    trials: int | None = None


@contextmanager
def sweep_of(
    overrides: Sequence[str], *, multirun: bool, folder: str | None = None
) -> Iterator[Sweep]:
    """Composes a sweep, as ``cfexp -m`` does.

    Args:
        overrides: Overrides as on the command line.
        multirun: Whether it is a sweep even if no option lists several values.
        folder: A folder of the user's own configs, if any.

    Raises:
        ConfigError: The sweep has no jobs.
        HydraException: It cannot be composed.
    """
    with own_hydra(folder) as loader:
        setup_globals()
        given = for_each_job(["-m", *without_nulls(list(overrides))])[1:]
        found = loader.load_configuration("config", given, RunMode.MULTIRUN)
        found.hydra.overrides.task = for_the_sweep(found.hydra.overrides.task)
        jobs = JobLoader(loader)
        all_of_it = grid_or_probes(found, jobs)
        asked = multirun or found.hydra.mode is RunMode.MULTIRUN
        is_sweep = asked or len(all_of_it) > 1
        trials = found.hydra.sweeper.get("n_trials")
        yield Sweep(found, jobs, all_of_it, is_sweep, trials)
