"""Runs each job once: skips finished jobs, resumes begun ones, locks running ones."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from cfexp.data.split import Data
from cfexp.errors import ConfigError, Pruned
from cfexp.models.base import NeuralModel
from cfexp.models.ensemble import Ensemble
from cfexp.runs.job import Job
from cfexp.runtime.locks import claimed
from cfexp.runtime.workers import worker_index
from cfexp.tracking.tags import owner_tags
from cfexp.tracking.tracker import find_earlier
from cfexp.training import checkpoint

if TYPE_CHECKING:
    from cfexp.tracking.previous import Earlier

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Claim:
    """A job locked by this process.

    Attributes:
        job: The job, with tags of its owner; without checkpoints if another process
            trains it too.
        checkpoint: The checkpoint file.
        resume_id: Id of the MLflow run to resume, if any.
        earlier: The run that has finished the job; None if it is to be trained.
    """

    job: Job
    checkpoint: Path
    resume_id: str | None = None
    earlier: "Earlier | None" = None

    def exit(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Removes this process's own checkpoint, unless it is to be resumed."""
        if error is not None and not isinstance(error, Pruned):
            return
        training = self.job.experiment.training
        mine = training.checkpoint_every or training.resume
        if mine and worker_index() == 0:
            self.checkpoint.unlink(missing_ok=True)


@contextmanager
def claim(job: Job, data: Data) -> Iterator[Claim]:
    """Holds a job's lock while the block runs the job.

    Args:
        job: The job.
        data: Its dataset and split.

    Yields:
        The claimed job: to train, to resume, or finished before.

    Raises:
        ConfigError: Another process uses the checkpoint to resume from.
    """
    training = job.experiment.training
    key = job.key(data)
    path = Path(training.checkpoint_dir) / f"{key}.npz"
    multiworker = training.strategy == "multiworker"
    # Workers of one training share its checkpoint, which only the first one writes.
    worker = f".worker{worker_index()}" if multiworker and worker_index() else ""
    if multiworker or isinstance(job.experiment.model, Ensemble):
        # Workers must all train; an ensemble's members may have changed.
        job = replace(job, once=False)
    with claimed(path.with_suffix(f"{worker}.lock"), wait=job.once) as (lock, first):
        if not first:
            job = _without_checkpoint(job, path)
        job = replace(job, tags=owner_tags(key, lock) | dict(job.tags))
        yield _claimed(job, path, key=key, lock=lock)


def _claimed(job: Job, path: Path, *, key: str, lock: Path) -> Claim:
    """Returns the claim of a job whose lock is held: to train, resume or skip."""
    if not job.once:
        resumes = job.experiment.training.resume
        run_id = checkpoint.load(path).note.get("run_id") if resumes else None
        return Claim(job, path, run_id)
    earlier = find_earlier(job.tracking, key, lock=lock, parent_id=job.parent_id)
    if earlier is None:
        return Claim(job, path)
    if earlier.finished:
        path.unlink(missing_ok=True)
        return Claim(job, path, earlier=earlier)
    resumes = path.exists()
    where = "its checkpoint" if resumes else "the start"
    log.info("resuming run %s from %s", earlier.run_id, where)
    return Claim(_with_training(job, resume=resumes), path, earlier.run_id)


def _without_checkpoint(job: Job, path: Path) -> Job:
    """Returns a job without checkpoints, since another process trains it too.

    Raises:
        ConfigError: It is to resume from the other process's checkpoint.
    """
    training = job.experiment.training
    if training.resume:
        raise ConfigError(
            "training.resume=true, but another process is training exactly this now,"
            f" with the checkpoint {path}. Wait until it has ended, or set"
            " training.resume=false."
        )
    if training.checkpoint_every and isinstance(job.experiment.model, NeuralModel):
        log.warning(
            "another process is training exactly this now: this run saves no"
            " checkpoints, and does not use %s",
            path,
        )
    return _with_training(job, checkpoint_every=0)


def _with_training(job: Job, **changes: object) -> Job:
    experiment = job.experiment
    training = experiment.training.replace(**changes)
    return replace(job, experiment=experiment.replace(training=training))
