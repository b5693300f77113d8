"""Trains and tracks one experiment: from data to a logged model."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from cfexp.data.split import Data
from cfexp.errors import Pruned
from cfexp.evaluation.names import PEAK_MEMORY, RELOAD_DIFFERENCE, seconds
from cfexp.models.base import NeuralModel
from cfexp.models.ensemble import Ensemble
from cfexp.models.predictor import max_difference
from cfexp.models.source import Source
from cfexp.reports.run_tables import log_data, print_evaluation, print_summary
from cfexp.runs import metadata, results, trained
from cfexp.runs.job import Job, Outcome
from cfexp.runs.once import Claim, claim
from cfexp.runs.standing import noted_if_stopped
from cfexp.runtime import tensorflow
from cfexp.runtime.files import check_folder
from cfexp.runtime.memory import peak_memory_mb
from cfexp.runtime.provenance import GitState, git_state
from cfexp.runtime.stopwatch import Stopwatch
from cfexp.tracking.settings import NewRun
from cfexp.tracking.tags import WEIGHTS_SHA256
from cfexp.tracking.tracker import Run, check_tracking, find_members, open_run
from cfexp.training.checkpoint import Checkpointing
from cfexp.training.history import Epoch
from cfexp.training.recipe import Hooks
from cfexp.training.result import Result

if TYPE_CHECKING:
    from cfexp.training.stacking import Member

log = logging.getLogger(__name__)


def train(
    job: Job, *, data: Data | None = None, source: Source | None = None
) -> Outcome:
    """Trains, tests, saves and logs one model, unless an earlier run has done so.

    Args:
        job: The job.
        data: Its dataset and split; loaded if None.
        source: A trained model to fine-tune.

    Raises:
        CfexpError: The configuration, the data, the training or the tracking failed.
        Pruned: ``job.on_epoch`` gave it up.
    """
    results.check_folder(job.folder)
    folder = Path(job.experiment.training.checkpoint_dir)
    check_folder(folder, "training.checkpoint_dir")
    watch = Stopwatch()
    with watch("data"):
        data = data or job.experiment.load(source=source)
    log_data(*data)
    check_tracking(job.tracking)
    with claim(job, data) as claimed:
        if claimed.earlier:
            return _skipped(job, claimed)
        epochs = job.experiment.training.epochs
        try:
            with noted_if_stopped(claimed.checkpoint, epochs=epochs):
                return _train(claimed, data, source, watch)
        except Pruned:
            claimed.finish()  # its checkpoint is not to be resumed
            raise


def _skipped(job: Job, claimed: Claim) -> Outcome:
    """Logs that an earlier run has finished a job, and returns its outcome."""
    earlier = claimed.earlier
    assert earlier
    log.info(
        "skipped: run %s has done this job (rerun=true trains it again)",
        earlier.run_id,
    )
    results.write_skipped(job.folder, earlier.metrics, earlier.run_id)
    return Outcome(earlier.run_id, earlier.metrics, Path(earlier.folder))


def _train(
    claimed: Claim, data: Data, source: Source | None, watch: Stopwatch
) -> Outcome:
    job, experiment = claimed.job, claimed.job.experiment
    # MLflow is imported and contacted in the background while XLA compiles.
    with watch("imports"):
        if isinstance(experiment.model, NeuralModel):
            tensorflow.start()
        members = [] if source else _members(job, data)
    git = git_state(Path.cwd())
    tags = metadata.job_tags(job, data, git, members=members)
    new = NewRun(job.name, tags, job.folder, job.parent_id)
    with open_run(job.tracking, new, claimed.resume_id) as run:
        run.log_start(
            params=metadata.params(experiment, source), inputs=metadata.inputs(*data)
        )
        result = experiment.run(
            data,
            source=source,
            members=members,
            hooks=_hooks(claimed, run),
            watch=watch,
        )
        metrics = _save_and_log(job, result, run, tags, git)
    claimed.finish()
    print_evaluation(f"{job.name} on {data.ratings.name}", result.comparison)
    print_summary(result.fitted, metrics, watch, run_id=run.run_id, folder=job.folder)
    return Outcome(run.run_id, metrics, job.folder, result)


def _hooks(claimed: Claim, run: Run) -> Hooks:
    checkpoints = Checkpointing(
        claimed.checkpoint,
        lambda: {"run_id": run.run_id or ""},
        restart_if_damaged=claimed.job.once,
    )

    def on_epoch(epoch: Epoch) -> None:
        run.log_epoch(epoch)
        claimed.job.on_epoch(epoch)

    return Hooks(checkpoints, on_epoch)


def _save_and_log(
    job: Job,
    result: Result,
    run: Run,
    tags: Mapping[str, str],
    git: GitState | None,
) -> dict[str, float]:
    """Writes the run's folder and logs it; returns the final metrics."""
    predictor, watch = result.predictor, result.watch
    weights = {WEIGHTS_SHA256: results.weights_digest(result.fitted.scorer)}
    with watch("save"):
        predictor.save(job.folder / "model")
        diff = git if job.tracking.git_diff else None
        results.write(job, result, tags={**tags, **weights}, git=diff)
    with watch("log"):
        sample = results.sample(result.data)
        reloaded = run.log_model(job.folder / "model", example=sample.head(5))
        difference = max_difference(predictor, reloaded, sample)
    metrics = result.metrics() | {RELOAD_DIFFERENCE: difference}
    metrics |= seconds(watch.seconds) | {PEAK_MEMORY: peak_memory_mb()}
    results.write_metrics(job.folder / "results", metrics)
    run.log_results(metrics, job.folder / "results", tags=weights)
    return metrics


def _members(job: Job, data: Data) -> "list[Member]":
    """Returns the runs that an ensemble stacks; none for other models."""
    model = job.experiment.model
    if not isinstance(model, Ensemble):
        return []
    from cfexp.training.stacking import load_member  # imports scikit-learn

    found = find_members(
        model.runs,
        tracking=job.tracking,
        data_fingerprint=data.ratings.fingerprint,
        split_fingerprint=data.split.fingerprint,
    )
    return [
        load_member(saved.reference, trained.load(saved, job.experiment), valid, *data)
        for saved, valid in found
    ]
