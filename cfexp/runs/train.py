"""Trains and tracks one experiment: from data to a logged model."""

import logging
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from cfexp.data.split import Data
from cfexp.models.base import NeuralModel, SampledModel
from cfexp.models.ensemble import Ensemble
from cfexp.models.reloaded import stored_architecture
from cfexp.models.source import Source
from cfexp.reports.run_tables import log_data, print_result, print_summary
from cfexp.runs import metadata, paperwork, results
from cfexp.runs import trained as models
from cfexp.runs.finish import Trained, finish_or_hand_over
from cfexp.runs.job import Job, Outcome
from cfexp.runs.once import Claim, claim
from cfexp.runs.standing import noted_if_stopped
from cfexp.runtime import tensorflow
from cfexp.runtime.files import check_folder
from cfexp.runtime.provenance import git_state
from cfexp.runtime.stopwatch import Stopwatch
from cfexp.tracking.settings import NewRun
from cfexp.tracking.tags import WEIGHTS_SHA256
from cfexp.tracking.tracker import Run, check_tracking, find_members, open_run
from cfexp.training.checkpoint import Checkpointing
from cfexp.training.history import Epoch
from cfexp.training.recipe import Hooks

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
    training = job.experiment.training
    check_folder(Path(training.checkpoint_dir), "training.checkpoint_dir")
    watch = Stopwatch()
    with watch("data"):
        data = data or job.experiment.load(source=source)
    log_data(*data)
    check_tracking(job.tracking)
    later = paperwork.current()
    job = job.in_a_series() if later or job.parent_id else job
    if later:  # a second job of the same kind finds the first one finished
        later.wait_for(job.key(data))
    with ExitStack() as stack:
        claimed = stack.enter_context(claim(job, data))
        if claimed.earlier:
            return _skipped(job, claimed)
        with noted_if_stopped(claimed.checkpoint, epochs=training.epochs):
            trained = _train(claimed, data, source, watch, stack)
            run_id = trained.run.run_id
            if later:
                later.make_room()
        metrics = finish_or_hand_over(trained, stack.pop_all(), later)
    result = trained.result
    print_result(f"{job.name} on {data.ratings.name}", result)
    print_summary(result.fitted, metrics, watch, run_id=run_id, folder=job.folder)
    return Outcome(run_id, metrics, job.folder, result)


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
    claimed: Claim,
    data: Data,
    source: Source | None,
    watch: Stopwatch,
    stack: ExitStack,
) -> Trained:
    """Trains and tests a job and saves its model; `stack` then holds its MLflow run."""
    job, experiment = claimed.job, claimed.job.experiment
    # MLflow is imported and contacted in the background while XLA compiles.
    with watch("imports"):
        if isinstance(experiment.model, NeuralModel | SampledModel):
            tensorflow.start(spare=1 if paperwork.current() else 0)
        members = [] if source else _members(job, data)
    git = git_state(Path.cwd())
    tags = metadata.job_tags(job, data, git, members=members)
    new = NewRun(job.name, tags, job.folder, job.parent_id)
    stack.push(claimed.exit)
    run = stack.enter_context(open_run(job.tracking, new, claimed.resume_id))
    run.log_start(
        params=metadata.params(experiment, source), inputs=metadata.inputs(*data)
    )
    result = experiment.run(
        data, source=source, members=members, hooks=_hooks(claimed, run), watch=watch
    )
    with watch("save"):
        scorer, folder = result.fitted.scorer, job.folder / "model"
        result.predictor.save(folder)
        tags |= {WEIGHTS_SHA256: results.weights_digest(scorer)}
        stored = stored_architecture(scorer, folder)
    git = git if job.tracking.git_diff else None
    return Trained(job, result, run, tags, git, stored)


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
        load_member(saved.reference, models.load(saved, job.experiment), valid, *data)
        for saved, valid in found
    ]
