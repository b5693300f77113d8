"""The jobs of a sweep, checked before the first one is trained."""

import json
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import DictConfig

from cfexp.config.build import Request, build
from cfexp.config.deferred import for_the_sweep
from cfexp.config.explain import explain, no_option_of
from cfexp.config.grid import Grid, SweptJob, grid
from cfexp.config.loader import JobLoader
from cfexp.config.schema import Mode
from cfexp.config.space import name_study, space_of
from cfexp.errors import CfexpError, ConfigError
from cfexp.spec import digest

log = logging.getLogger(__name__)

# The sweepers whose jobs are checked before the first one is trained.
GRID = "hydra_plugins.cfexp_sweepers.Grid"
SEARCH = "hydra_plugins.cfexp_sweepers.Search"
MANY = 1000  # jobs, from which on it is said that checking them takes a while
SHOWN = 3  # jobs and problems that a message names


@dataclass(frozen=True)
class Duplicate:
    """A job that is the same as an earlier one of its sweep."""

    job: SweptJob
    of: SweptJob


@dataclass(frozen=True)
class Checked:
    """A sweep whose jobs are checked.

    Attributes:
        loader: Composes the jobs.
        jobs: The jobs to train, each once.
        duplicates: Those that need not be trained.
        wrong: Those that cannot be trained, each with what is wrong.
    """

    loader: JobLoader
    jobs: tuple[SweptJob, ...]
    duplicates: tuple[Duplicate, ...] = ()
    wrong: tuple[tuple[SweptJob, str], ...] = ()

    def require_right(self) -> None:
        """Refuses the sweep if a job is wrong.

        Raises:
            ConfigError: A job is wrong; the message names those that are.
        """
        if not self.wrong:
            return
        by_problem: dict[str, list[SweptJob]] = {}
        for job, problem in self.wrong:
            by_problem.setdefault(problem, []).append(job)
        n = len(self.wrong) + len(self.jobs) + len(self.duplicates)
        if len(by_problem) == 1 and len(self.wrong) == n:
            raise ConfigError(self.wrong[0][1])
        said = [f"{_listed(jobs)}: {text}" for text, jobs in by_problem.items()]
        if len(said) > SHOWN:
            said[SHOWN:] = [f"and {len(said) - SHOWN} other problems"]
        count = f"{len(self.wrong):,} of {n:,} jobs {_is(len(self.wrong))}"
        raise ConfigError(f"{count} wrong, and none was started. {'; '.join(said)}")

    def log_duplicates(self) -> None:
        """Says which jobs are left out, since they are the same as others."""
        if not self.duplicates:
            return
        said = [f"{each.job} as {each.of}" for each in self.duplicates]
        n = len(said) + len(self.jobs)
        if len(said) > SHOWN:
            said[SHOWN:] = [f"and {len(said) - SHOWN:,} more"]
        log.info(
            "%s of %s jobs %s the same as another and not trained again: %s",
            f"{len(self.duplicates):,}",
            f"{n:,}",
            _is(len(self.duplicates)),
            "; ".join(said),
        )


def _is(n: int) -> str:
    return "is" if n == 1 else "are"


def _listed(jobs: Sequence[SweptJob]) -> str:
    named = [str(job) for job in jobs[:SHOWN]]
    more = f" and {len(jobs) - SHOWN:,} more" if len(jobs) > SHOWN else ""
    return ", ".join(named) + more


def ignore(job: SweptJob, request: Request) -> None:
    """Does nothing with a job."""


def check(
    config: DictConfig,
    jobs: Grid | Sequence[SweptJob],
    loader: JobLoader,
    *,
    swept: bool = True,
    use: Callable[[SweptJob, Request], None] = ignore,
) -> Checked:
    """Composes each job of a sweep once, and checks it.

    Args:
        config: The sweep's configuration, including the node ``hydra``.
        jobs: The jobs.
        loader: Composes them.
        swept: Whether it is a sweep, not a single run.
        use: Called with each job that is neither wrong nor a duplicate.

    A job is wrong too if `use` raises an error.
    """
    if len(jobs) >= MANY:
        log.info("checking %s jobs", f"{len(jobs):,}")
    kept: dict[str, SweptJob] = {}
    duplicates, wrong = [], []
    for job in jobs:
        try:
            with loader.job(config, job.overrides) as cfg:
                request = build(cfg, swept=swept)
            same = kept.setdefault(_key(request), job)
            if same is job:
                use(job, request)
            else:
                duplicates.append(Duplicate(job, same))
        except Exception as error:
            wrong.append((job, _problem(error, job, config, loader)))
    failed = {job.overrides for job, _ in wrong}
    right = tuple(job for job in kept.values() if job.overrides not in failed)
    return Checked(loader, right, tuple(duplicates), tuple(wrong))


def _key(request: Request) -> str:
    """Returns what two jobs of a sweep share if they are the same."""
    options: Any = request.options.settings()
    own = [request.experiment.key()]
    if request.options.mode is not Mode.train:
        own = [json.dumps(request.experiment.settings(), sort_keys=True)]
    others = (options, request.tracking.settings())
    return digest(*own, *(json.dumps(one, sort_keys=True) for one in others))


def _problem(
    error: Exception, job: SweptJob, config: DictConfig, loader: JobLoader
) -> str:
    """Returns what is wrong with a job that cannot be composed or built."""
    if not isinstance(error, CfexpError):
        with suppress(HydraException):  # where not even its groups can be composed
            chosen = loader.choices(config, job.overrides)
            if problem := no_option_of(error, chosen):
                return problem
    return explain(error, arguments=job.overrides).rstrip(".")


def grid_or_probes(config: DictConfig, loader: JobLoader) -> Grid | list[SweptJob]:
    """Returns the jobs of a grid, or those that stand for the space of a search.

    Raises:
        ConfigError: There is none, or several searches are swept over.
    """
    given = OverridesParser.create().parse_overrides(list(config.hydra.overrides.task))
    for one in given:
        if one.key_or_group == "search" and one.is_sweep_override():
            raise ConfigError(
                f"{one.input_line}: a sweep takes one search, which says what is swept."
                " Issue them one after the other"
            )
    if str(config.hydra.sweeper._target_) == SEARCH:
        return space_of(config, loader).probes()
    return grid(config, loader)


_checked: list[tuple[DictConfig, Checked]] = []


def checked(config: DictConfig) -> Checked:
    """Returns the jobs of a sweep, checked once for each configuration.

    Args:
        config: The sweep's configuration, including the node ``hydra``.

    Raises:
        ConfigError: The sweep has no jobs.
    """
    if not _checked or _checked[0][0] is not config:
        hydra = GlobalHydra.instance().hydra
        assert hydra
        loader = JobLoader(cast(Any, hydra.config_loader))
        jobs: Grid | list[SweptJob] = grid_or_probes(config, loader)
        _checked[:] = [(config, check(config, jobs, loader))]
    return _checked[0][1]


def check_jobs(config: DictConfig) -> None:
    """Checks the jobs of a sweep, before it opens a run or a folder.

    Those of a search are not known: each end of its ranges is checked.

    Args:
        config: The sweep's configuration, including the node ``hydra``; options that
            were deferred to its jobs are plain again, see `cfexp.config.deferred`, and
            a search gets the file of its study.

    Raises:
        ConfigError: A job is wrong, or there is none.
    """
    config.hydra.overrides.task = for_the_sweep(config.hydra.overrides.task)
    sweeper = str(config.hydra.sweeper._target_)
    if sweeper in (GRID, SEARCH):
        jobs = checked(config)
        jobs.require_right()
        if sweeper == GRID:
            jobs.log_duplicates()
        else:
            name_study(config)
