"""A training that was asked for, its key, and what came out of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from cfexp.config.identity import code_version
from cfexp.data.split import Data
from cfexp.experiment import Experiment, Result
from cfexp.spec import digest
from cfexp.tracking.settings import Tracking


@dataclass(frozen=True, kw_only=True)
class Job:
    """One training that was asked for.

    Attributes:
        experiment: What to train.
        tracking: Where to track it.
        folder: Where the run's files go.
        name: Name of the run.
        overrides: The overrides that compose the experiment, over the defaults; None
            where none do, since it was made in Python.
        parent_id: The MLflow run that this one belongs to.
        once: Use what is finished or begun already, rather than train again.
        tags: Tags of the MLflow run besides cfexp's own.
    """

    experiment: Experiment
    tracking: Tracking
    folder: Path
    name: str
    overrides: tuple[str, ...] | None = ()
    parent_id: str | None = None
    once: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)

    def of_worker(self, index: int) -> "Job":
        """Returns the job of one of several workers that train the same model.

        Only the first one's files, checkpoints and MLflow run stay.
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

    def key(self, data: Data) -> str:
        """Returns 16 hex digits that jobs with the same result share.

        They depend on the experiment without paths, the rows and their split, the code
        that makes the numbers, and the trained model that training starts from.
        """
        experiment = self.experiment
        values = (getattr(experiment, name) for name in Experiment.model_fields)
        return digest(
            experiment.key(),
            data.ratings.fingerprint,
            data.split.fingerprint,
            code_version(tuple(type(value) for value in values)),
            str(sorted(self.tags.items())),
        )


@dataclass(frozen=True, repr=False)
class Outcome:
    """What is known of a job that is done.

    Attributes:
        run_id: Id of its MLflow run; None without tracking.
        metrics: Its final metrics.
        folder: The folder with its ``results/`` and ``model/``.
        result: All of it, where it was trained now; None where it was finished before.
    """

    run_id: str | None
    metrics: dict[str, float]
    folder: Path
    result: Result | None = None

    def __repr__(self) -> str:
        """Returns where it is, and the test error."""
        test = f"test_rmse={self.metrics['test_rmse']:.4f}"
        return f"Outcome(run_id={self.run_id!r}, {test}, folder='{self.folder}')"
