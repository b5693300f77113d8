"""Finishes a trained job: its files, its logged model and its MLflow run."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cfexp.errors import first_line
from cfexp.evaluation.names import PEAK_MEMORY, RELOAD_DIFFERENCE, seconds
from cfexp.models.reloaded import max_difference
from cfexp.reports.description import of_model
from cfexp.runs import examples, results
from cfexp.runs.job import Job
from cfexp.runs.job_report import ended_badly
from cfexp.runs.paperwork import Paperwork
from cfexp.runtime.memory import peak_memory_mb
from cfexp.runtime.provenance import GitState
from cfexp.tracking.folder import METRICS
from cfexp.tracking.tags import JOB_KEY, NOTE
from cfexp.tracking.tracker import Run
from cfexp.training.result import Result

if TYPE_CHECKING:
    from cfexp.models.signature import Signature


@dataclass(frozen=True)
class Trained:
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


def finish_or_hand_over(
    trained: Trained, stack: ExitStack, later: Paperwork | None
) -> dict[str, float]:
    """Finishes a job, now or `later`; returns its metrics as far as they are known."""
    if later is None:
        return _finish(trained, stack)
    metrics = trained.metrics()
    # Not `Job.key`, which would count the tags of its owner, too.
    key, name = trained.tags[JOB_KEY], trained.job.name
    later.add(key, name, partial(_finish, trained, stack))
    return metrics


def _finish(trained: Trained, stack: ExitStack) -> dict[str, float]:
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


def _write_and_log(trained: Trained, folder: Path) -> dict[str, float]:
    job, result, run = trained.job, trained.result, trained.run
    sample = examples.sample(result.data, result.predictor.encoder)
    note = of_model(job.experiment.model.name, result.comparison, result.ranking)
    tags = {**trained.tags, NOTE: note}
    example = examples.example(result.data, result.predictor.encoder)
    logged = run.log_model(job.folder / "model", example=example, note=note)
    with results.writing_all(folder):
        with result.watch("write"):
            results.write(job, result, tags=tags, git=trained.git)
            run.record_finished(tags)
        with result.watch("log"):
            load = logged()
            tested = result.tested.predicted[: len(sample)]
            difference = max_difference(tested, load, sample, stored=trained.stored)
        metrics = trained.metrics() | {RELOAD_DIFFERENCE: difference}
        results.save_metrics(folder, metrics)
    run.log_results(metrics, folder, tags=tags)
    return metrics
