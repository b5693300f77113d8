"""Jobs: experiments to train, with their key, and their outcome."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from cfexp.config.identity import job_key
from cfexp.data.split import Data
from cfexp.evaluation.names import FULL, N_PARAMETERS, RANKING
from cfexp.experiment import Experiment
from cfexp.tracking.settings import Tracking
from cfexp.training.history import Epoch
from cfexp.training.recipe import ignore
from cfexp.training.result import Result


@dataclass(frozen=True, kw_only=True)
class Job:
    """An experiment to train and track.

    Attributes:
        experiment: The experiment.
        tracking: Where to track it.
        folder: Folder of the run's files.
        name: Name of the run.
        overrides: The overrides that compose the experiment from the defaults; None if
            it was created in Python from objects.
        parent_id: Id of the parent run.
        once: Skip or resume the job if an earlier run has finished or begun it.
        tags: Tags of the MLflow run besides the usual ones.
        on_epoch: Called after each epoch; may raise `Pruned`.
    """

    experiment: Experiment
    tracking: Tracking
    folder: Path
    name: str
    overrides: tuple[str, ...] | None = ()
    parent_id: str | None = None
    once: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)
    on_epoch: Callable[[Epoch], None] = ignore

    def of_worker(self, index: int) -> "Job":
        """Returns the job of one of several workers that train the same model.

        Only worker 0 saves checkpoints and logs an MLflow run.
        """
        if index == 0:
            return self
        training = self.experiment.training.replace(checkpoint_every=0)
        return replace(
            self,
            experiment=self.experiment.replace(training=training),
            tracking=self.tracking.replace(enabled=False),
            folder=self.folder / f"worker_{index}",
        )

    def in_a_series(self) -> "Job":
        """Returns the job of a sweep or of repeats, of which few are looked at."""
        if self.tracking.plots is not None:
            return self
        return replace(self, tracking=self.tracking.replace(plots=False))

    def key(self, data: Data) -> str:
        """Returns 16 hex digits, the same for jobs with the same result.

        They depend on the experiment without paths, the dataset and split, the code
        that changes numbers, and the trained model that training starts from.
        """
        data_sha256, split_sha256 = data.ratings.fingerprint, data.split.fingerprint
        return job_key(self.experiment, data_sha256, split_sha256, self.tags)


@dataclass(frozen=True, repr=False)
class Outcome:
    """The outcome of a finished job.

    Attributes:
        run_id: Id of its MLflow run; None without tracking.
        metrics: Its final metrics.
        folder: The folder with its ``results/`` and ``model/``.
        result: The result; None if the job was skipped.
    """

    run_id: str | None
    metrics: dict[str, float]
    folder: Path
    result: Result | None = None

    def __repr__(self) -> str:
        """Returns where it is, and the test error."""
        name = next(
            name
            for name in ("test_rmse", f"{RANKING}{FULL}ndcg_10", N_PARAMETERS)
            if name in self.metrics
        )
        test = f"{name}={self.metrics[name]:.4f}"
        return f"Outcome(run_id={self.run_id!r}, {test}, folder='{self.folder}')"
