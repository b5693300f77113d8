"""Trains and tracks one experiment: from data to a logged model."""

import logging
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cfexp.data.split import Data
from cfexp.errors import first_line
from cfexp.evaluation.names import PEAK_MEMORY, RELOAD_DIFFERENCE, seconds
from cfexp.models.base import NeuralModel, SampledModel
from cfexp.models.ensemble import Ensemble
from cfexp.models.reloaded import max_difference, stored_architecture
from cfexp.models.source import Source
from cfexp.reports.description import of_model
from cfexp.reports.run_tables import log_data, print_result, print_summary
from cfexp.runs import metadata, paperwork, results
from cfexp.runs import trained as models
from cfexp.runs.job import Job, Outcome
from cfexp.runs.job_report import ended_badly
from cfexp.runs.once import Claim, claim
from cfexp.runs.paperwork import Paperwork
from cfexp.runs.standing import noted_if_stopped
from cfexp.runtime import tensorflow
from cfexp.runtime.files import check_folder
from cfexp.runtime.memory import peak_memory_mb
from cfexp.runtime.provenance import GitState, git_state
from cfexp.runtime.stopwatch import Stopwatch
from cfexp.tracking.folder import METRICS
from cfexp.tracking.settings import NewRun
from cfexp.tracking.tags import JOB_KEY, NOTE, WEIGHTS_SHA256
from cfexp.tracking.tracker import Run, check_tracking, find_members, open_run
from cfexp.training.checkpoint import Checkpointing
from cfexp.training.history import Epoch
from cfexp.training.recipe import Hooks
from cfexp.training.result import Result

if TYPE_CHECKING:
    from cfexp.models.signature import Signature
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
        metrics = _finish_or_hand_over(trained, stack.pop_all(), later)
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


@dataclass(frozen=True)
class _Trained:
    """A trained job whose model is saved, but not its results.

    Attributes:
        job: The job.
        result: Its result. The next training may overwrite its model's weights.
        run: Its MLflow run.
        tags: The run's tags.
        git: State of the user's repository.
        stored: See `cfexp.models.reloaded.max_difference`.
    """

    job: Job
    result: Result
    run: Run
    tags: Mapping[str, str]
    git: GitState | None
    stored: "Signature | None"

    def metrics(self) -> dict[str, float]:
        """Returns the metrics known so far."""
        found = self.result.metrics() | seconds(self.result.watch.seconds)
        return found | {PEAK_MEMORY: peak_memory_mb()}


def _train(
    claimed: Claim,
    data: Data,
    source: Source | None,
    watch: Stopwatch,
    stack: ExitStack,
) -> _Trained:
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
    return _Trained(job, result, run, tags, git, stored)


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


def _finish_or_hand_over(
    trained: _Trained, stack: ExitStack, later: Paperwork | None
) -> dict[str, float]:
    """Finishes a job, now or `later`; returns its metrics as far as they are known."""
    if later is None:
        return _finish(trained, stack)
    metrics = trained.metrics()
    # Not `Job.key`, which would count the tags of its owner, too.
    key, name = trained.tags[JOB_KEY], trained.job.name
    later.add(key, name, partial(_finish, trained, stack))
    return metrics


def _finish(trained: _Trained, stack: ExitStack) -> dict[str, float]:
    """Writes and logs a job's results, and closes its run; returns its metrics.

    A job that cannot be finished has no ``metrics.json``.
    """
    folder = trained.job.folder / "results"
    try:
        with stack:
            return _write_and_log(trained, folder)
    except BaseException as error:
        (folder / METRICS).unlink(missing_ok=True)
        ended_badly(trained.job.folder, first_line(error))
        raise


def _write_and_log(trained: _Trained, folder: Path) -> dict[str, float]:
    job, result, run = trained.job, trained.result, trained.run
    sample = results.sample(result.data, result.predictor.encoder)
    note = of_model(job.experiment.model.name, result.comparison, result.ranking)
    tags = {**trained.tags, NOTE: note}
    logged = run.log_model(job.folder / "model", example=sample.head(5), note=note)
    with result.watch("write"):
        results.write(job, result, tags=tags, git=trained.git)
        run.record_finished()
    with result.watch("log"):
        load = logged()
        tested = result.tested.predicted[: len(sample)]
        difference = max_difference(tested, load, sample, stored=trained.stored)
    metrics = trained.metrics() | {RELOAD_DIFFERENCE: difference}
    results.write_metrics(folder, metrics)
    run.log_results(metrics, folder, tags=tags)
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
        load_member(saved.reference, models.load(saved, job.experiment), valid, *data)
        for saved, valid in found
    ]
