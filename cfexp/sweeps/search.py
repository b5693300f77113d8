"""A search: Optuna proposes each job from the results of earlier ones."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.utils import JobReturn
from omegaconf import DictConfig, OmegaConf

from cfexp.errors import CfexpError, ConfigError, Failed, first_line
from cfexp.runtime.locks import held
from cfexp.sweeps.checked import CheckedSweeper

if TYPE_CHECKING:  # the rest where it is needed: Hydra imports this for ``--help``, too
    import optuna

    from cfexp.config.space import Space

log = logging.getLogger(__name__)


class Search(CheckedSweeper):
    """Tries values until a number of trials has ended, and prunes bad ones.

    Args:
        options: The sampler, the pruner, ``n_trials``, ``n_jobs``, ``storage`` and so
            on, as in ``conf/hydra/sweeper/optuna.yaml``.
    """

    def __init__(self, **options: Any):
        self.options = OmegaConf.create(options)

    def sweep(self, arguments: list[str]) -> None:
        """Runs the trials.

        Args:
            arguments: Not read; the space is that of the configuration.

        Raises:
            Failed: Another process runs this search, or it has trials on other data.
        """
        from cfexp.config.space import space_of

        storage = Path(self.config.hydra.sweeper.storage)
        storage.parent.mkdir(parents=True, exist_ok=True)
        with held(storage.with_suffix(".lock"), wait=False) as mine:
            if not mine:
                raise Failed(
                    ConfigError(
                        f"another process runs this search, in {storage}. Wait for it,"
                        " or choose another hydra.sweeper.storage"
                    )
                )
            folder = self.begin()
            space = space_of(self.config, self.loader)
            study = self._begun(storage, space)
            failures = self._try(study, space, folder)
            repeated = self.config.cv or self.config.seeds
            steps = "repeats" if repeated else "epochs"
            _write(study, folder / "results", steps)
        for one in failures:
            _ = one.return_value  # raises the error of a failed job

    def _begun(self, storage: Path, space: "Space") -> "optuna.Study":
        """Returns the study, ready for more trials."""
        from cfexp.config.space import present_values
        from cfexp.sweeps import study as studies

        options = self.config.hydra.sweeper
        pruner = studies.made(options.pruner)
        study = studies.open_study(
            storage,
            options.study_name,
            pruner=pruner,
            direction=_direction(self.config),
        )
        n = len(study.get_trials(deepcopy=False))
        if n:
            log.info(
                "resuming the search in %s: %d of %d trials are done",
                storage,
                len(studies.ended(study)),
                options.n_trials,
            )
        # A resumed search must not propose what it proposed before.
        study.sampler = studies.made(options.sampler, seed=options.sampler.seed + n)
        with self.loader.job(self.config, space.fixed) as cfg:
            present = present_values(space, cfg)
            data = _fingerprint(space, cfg)
        if not studies.is_of(study, data):
            raise Failed(
                ConfigError(
                    f"the search in {storage} has trials on other data, which say"
                    " nothing of these: the dataset's or the split's files have"
                    " changed. Begin another search with hydra.sweeper.study_name=NAME,"
                    " or remove the file"
                )
            )
        studies.begin(study, present)
        return study

    def _try(
        self, study: "optuna.Study", space: "Space", folder: Path
    ) -> list[JobReturn]:
        """Tries values until ``n_trials`` trials have ended; returns failed ones."""
        from cfexp.sweeps import study as studies

        options, job = self.config.hydra.sweeper, 0
        failed: list[JobReturn] = []
        while True:
            done = studies.ended(study)
            todo = options.n_trials - len(done) - len(failed)
            if todo <= 0 or _is_exhausted(space, done):
                return failed
            trials: list[Any] = []
            for _ in range(min(todo, options.n_jobs)):
                trial = studies.ask(study, space)
                if same := studies.same_as(done, trial):
                    if studies.PRUNED in same.user_attrs:
                        trial.set_user_attr(studies.PRUNED, 0)
                    studies.tell(study, trial, same.value)
                else:
                    trial.set_user_attr(
                        studies.JOB, str(folder / str(job + len(trials)))
                    )
                    trials.append(trial)
            results = self._launched(
                [space.job(t.params).overrides for t in trials], job
            )
            job += len(trials)
            for trial, result in zip(trials, results, strict=True):
                value = result._return_value
                if isinstance(value, Exception):
                    failed.append(result)
                    log.error("trial %d failed: %s", trial.number, first_line(value))
                number = None if isinstance(value, Exception) else value
                if value is None:
                    lacking = "trial %d has no %s: choose another objective"
                    log.error(lacking, trial.number, self.config.objective)
                studies.tell(study, trial, number)

    def _launched(
        self, jobs: Sequence[Sequence[str]], first: int
    ) -> Sequence[JobReturn]:
        if not jobs:
            return []
        return self.launcher.launch([list(one) for one in jobs], initial_job_idx=first)


def _direction(config: DictConfig) -> str:
    """Returns whether the objective of a search is maximised, as Optuna calls it."""
    from cfexp.config.objective import objective_of

    return "maximize" if objective_of(config).maximise else "minimize"


def _fingerprint(space: "Space", cfg: DictConfig) -> str:
    """Returns SHA-256 sums of the dataset of a search and of its split.

    Empty if the dataset or the split is searched, too.

    Args:
        space: What is searched.
        cfg: A job's configuration.
    """
    from cfexp.config.build import build

    names = {name.lstrip("+").partition(".")[0] for name in space.dimensions}
    if names & {"dataset", "split"}:
        return ""
    try:
        data = build(cfg).experiment.load()
    except CfexpError as error:
        raise Failed(error) from error
    return f"{data.ratings.fingerprint} {data.split.fingerprint}"


def _is_exhausted(space: "Space", done: Sequence[Any]) -> bool:
    """Returns whether all values of a space were tried."""
    if space.size is None:
        return False
    return len({tuple(sorted(one.params.items())) for one in done}) >= space.size


def _write(study: "optuna.Study", folder: Path, steps: str) -> None:
    from cfexp.sweeps.findings import write

    write(study, folder, steps)
