"""Compiles the program of a sweep's next job while the present one trains."""

import logging
import threading

from omegaconf import DictConfig

from cfexp.config.build import build
from cfexp.config.jobs import GRID, checked
from cfexp.config.schema import Mode
from cfexp.experiment import Experiment
from cfexp.runtime.epochs import Progress
from cfexp.training.ahead import can_compile, compile_ahead

log = logging.getLogger(__name__)


class NextJob:
    """Compiles the next job's program, once the present job has compiled its own.

    Args:
        config: The sweep's configuration, including the node ``hydra``: of a grid whose
            jobs this process runs one after the other.
    """

    def __init__(self, config: DictConfig):
        self._config, self._checked = config, checked(config)
        self._found: dict[int, Experiment | None] = {}
        self._next: Experiment | None = None
        self._differ: frozenset[str] = frozenset()
        # Options that have differed between two jobs without changing the program.
        self._without_effect: set[frozenset[str]] = set()
        self._thread: threading.Thread | None = None
        self._is_compiled = False  # the program of the job that is about to start

    @staticmethod
    def is_known(config: DictConfig) -> bool:
        """Returns whether a sweep is a grid, whose next job is known."""
        return str(config.hydra.sweeper._target_) == GRID

    def begin(self, number: int) -> None:
        """Waits until a job's program is compiled, if it is being, and looks ahead.

        Args:
            number: Number of the job that is about to start.
        """
        self.wait()
        self._next = self._following(number)
        if self._is_compiled:
            self._start()
        self._is_compiled = False

    def hear(self, progress: Progress) -> None:
        """Compiles the next job's program, once the present one has run an epoch."""
        if progress.epoch:
            self._start()

    def wait(self) -> None:
        """Waits until nothing is being compiled."""
        if self._thread:
            self._thread.join()
            self._thread = None

    def _following(self, number: int) -> Experiment | None:
        """Returns the experiment to compile a program for, if there is one."""
        jobs = self._checked.jobs[number : number + 2]
        if len(jobs) < 2:
            return None
        self._differ = _options({*jobs[1].varied} - {*jobs[0].varied})
        if self._differ in self._without_effect:
            return None
        found = [self._experiment(number), self._experiment(number + 1)]
        self._found = {number + 1: found[1]}
        # Another dataset would be in memory beside the present one.
        same_data = found[0] and found[1] and found[0].dataset == found[1].dataset
        return found[1] if same_data else None

    def _experiment(self, number: int) -> Experiment | None:
        """Returns a job's experiment; None if there is no program to compile."""
        if number in self._found:
            return self._found[number]
        job = self._checked.jobs[number]
        with self._checked.loader.job(self._config, job.overrides) as cfg:
            request = build(cfg, swept=True)
        options, experiment = request.options, request.experiment
        is_single = options.mode is Mode.train and not options.cv and not options.seeds
        return experiment if is_single and can_compile(experiment) else None

    def _start(self) -> None:
        if self._next:
            arguments, self._next = (self._next, self._differ), None
            # A new one each time: Keras numbers the layers of each thread.
            self._thread = threading.Thread(
                target=self._compile, args=arguments, name="next job", daemon=True
            )
            self._thread.start()

    def _compile(self, experiment: Experiment, differ: frozenset[str]) -> None:
        try:
            if not compile_ahead(experiment, *experiment.load()):
                self._without_effect.add(differ)
            self._is_compiled = True
        except Exception:  # the job itself will meet the error, and say so
            log.debug("the next job's program is not compiled yet", exc_info=True)


def _options(overrides: set[str]) -> frozenset[str]:
    return frozenset(one.partition("=")[0] for one in overrides)
