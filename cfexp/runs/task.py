"""The task of one call of cfexp, or of one job of a sweep."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cfexp.config.build import Request
from cfexp.config.identity import effective, run_name
from cfexp.config.objective import chosen_by
from cfexp.config.options import Options
from cfexp.config.overrides import with_overrides
from cfexp.experiment import Experiment
from cfexp.models.predictor import Predictor
from cfexp.runs import trained
from cfexp.runs.job import Job
from cfexp.runs.metadata import required_of
from cfexp.runs.swept import Swept
from cfexp.tracking.settings import Choice, Tracking
from cfexp.tracking.tracker import find_model
from cfexp.training.listener import Listener

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Task:
    """The checked configuration of a run, with its folder and name.

    Attributes:
        request: The objects built from the configuration.
        folder: Folder of the run's files.
        name: Name of the run.
        overrides: The overrides of the command line.
        parent_id: Id of the parent run.
        listener: Hears of the epochs of a single training, or of the repeats.
    """

    request: Request
    folder: Path
    name: str
    overrides: tuple[str, ...] = ()
    parent_id: str | None = None
    listener: Listener = field(default_factory=Listener)

    def in_sweep(self, swept: Swept) -> "Task":
        """Returns the task as a job of a sweep, with the sweep's tracking URI."""
        tracking = self.tracking.replace(uri=swept.uri or self.tracking.uri)
        request = replace(self.request, tracking=tracking)
        return replace(self, request=request, parent_id=swept.parent_id)

    @property
    def options(self) -> Options:
        """The options of the mode."""
        return self.request.options

    @property
    def experiment(self) -> Experiment:
        """The composed experiment."""
        return self.request.experiment

    @property
    def tracking(self) -> Tracking:
        """Where to track the run."""
        return self.request.tracking

    @property
    def choice(self) -> Choice:
        """The criteria of ``run_id=best``."""
        required = required_of(self.experiment, self.overrides)
        return Choice(chosen_by("best_of", self.request), required)

    def job(self, experiment: Experiment, tags: Mapping[str, str] | None = None) -> Job:
        """Returns the job that trains an experiment, with additional tags."""
        return Job(
            experiment=experiment,
            tracking=self.tracking,
            folder=self.folder,
            name=self.name,
            overrides=tuple(effective(self.overrides)),
            parent_id=self.parent_id,
            once=self.parent_id is not None and not self.options.rerun,
            tags=tags or {},
        )

    def trained_model(self) -> tuple[Predictor, str]:
        """Returns the model of ``run_id``, and its run id or else its folder.

        Raises:
            CfexpError: The model does not exist, or is damaged.
        """
        reference = str(self.options.run_id)
        saved = find_model(reference, tracking=self.tracking, choice=self.choice)
        predictor = trained.load(saved, self.experiment)
        origin, name = predictor.origin, saved.run_id or str(saved.folder.absolute())
        log.info(
            "the model of %s: %s, trained on %s", name, origin.model, origin.dataset
        )
        return predictor, name

    def name_of(self, what: str, model: str, source: str) -> str:
        """Returns the name of a run that uses a trained model.

        Args:
            what: What it does, such as ``evaluate``.
            model: Name of the model's family.
            source: Run id or folder of the trained model.
        """
        path = Path(source)
        short = source[:8] if len(path.parts) == 1 else path.parent.name
        changes = run_name("", self.overrides)
        return self.options.run_name or f"{what} {model} of {short} {changes}".strip()

    def experiment_over(self, saved: Mapping[str, Any]) -> Experiment:
        """Returns a saved experiment with the overrides of this run applied.

        Raises:
            ConfigError: An override would change the trained model itself.
        """
        return with_overrides(saved, self.request, self.overrides)
