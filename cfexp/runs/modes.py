"""Runs the task of each ``mode``."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from cfexp.config.options import WRITING
from cfexp.config.schema import Mode
from cfexp.errors import ConfigError
from cfexp.runs import results
from cfexp.runs.conclusion import conclude_outcome
from cfexp.runs.evaluate import evaluate
from cfexp.runs.finetune import finetune
from cfexp.runs.output import check_output, output_of
from cfexp.runs.predict import predict
from cfexp.runs.recommend import recommend
from cfexp.runs.repeats import train_repeats
from cfexp.runs.reproduce import reproduce
from cfexp.runs.similar import similar
from cfexp.runs.task import Task
from cfexp.runs.train import train
from cfexp.runtime.workers import worker_index


def run(task: Task) -> float | None:
    """Runs a task in its mode; returns the sweep's objective if it trains a model.

    Raises:
        CfexpError: The task failed; the message explains how to fix it.
    """
    _check_files(task)
    return MODES[task.options.mode](task)


def _train(task: Task) -> float | None:
    experiment, options = task.experiment, task.options
    if options.cv or options.seeds:
        return train_repeats(task).get(options.objective)
    job = replace(task.job(experiment), on_epoch=task.listener.on_epoch)
    if experiment.training.strategy == "multiworker":
        job = job.of_worker(worker_index())
    outcome = train(job)
    conclude_outcome(job.name, outcome)
    return outcome.metrics.get(options.objective)


MODES: dict[Mode, Callable[[Task], float | None]] = {
    Mode.train: _train,
    Mode.evaluate: evaluate,
    Mode.predict: predict,
    Mode.recommend: recommend,
    Mode.similar: similar,
    Mode.finetune: finetune,
    Mode.reproduce: reproduce,
}


def _check_files(task: Task) -> None:
    """Checks, before any work, that no file of the user would be overwritten.

    Raises:
        ConfigError: A file would be.
    """
    options, folder = task.options, task.folder
    if options.mode in WRITING:
        dataset = task.experiment.dataset
        files = (getattr(dataset, name, None) for name in ("ratings", "movies"))
        given = (options.pairs, options.users, options.ratings)
        read = [Path(path) for path in (*given, *files) if path]
        check_output(output_of(task), overwrite=options.overwrite, read=read)
        return
    results.check_folder(folder)
    named = Path(options.run_id or "").expanduser().absolute()
    if options.run_id and named in (folder.absolute(), folder.absolute() / "model"):
        raise ConfigError(
            f"hydra.run.dir={folder} is the folder of run_id={options.run_id}, whose"
            " results would be lost. Choose another hydra.run.dir"
        )
