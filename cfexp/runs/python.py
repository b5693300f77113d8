"""Trains and tracks an experiment, and loads trained models, from Python."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from cfexp.config.identity import effective, run_name
from cfexp.config.overrides_of import overrides_of
from cfexp.errors import ConfigError
from cfexp.experiment import Experiment
from cfexp.models.predictor import Predictor
from cfexp.runs.job import Job, Outcome
from cfexp.runs.metadata import of_data
from cfexp.runs.train import train as train_job
from cfexp.runtime.workers import worker_index
from cfexp.tracking.borrowed import borrowed
from cfexp.tracking.settings import Choice, Tracking
from cfexp.tracking.tracker import find_model

LOCAL = "sqlite:///mlflow.db"


def train(
    experiment: Experiment,
    *,
    tracking: str | Tracking | None = LOCAL,
    name: str | None = None,
    folder: str | Path | None = None,
    resume: bool = False,
    once: bool = False,
) -> Outcome:
    """Trains an experiment as the command line does: locked, resumable and logged.

    Args:
        experiment: What to train.
        tracking: MLflow's address, ``sqlite:///FILE`` or a server's; a `Tracking`; or
            None for no tracking.
        name: Name of the run; what the experiment changes of the defaults where None.
        folder: Where the run's files go; ``outputs/DATE/TIME`` where None.
        resume: Start from the checkpoint of the same experiment, interrupted before.
        once: Return what a finished run of the same experiment found, or resume an
            interrupted one, rather than train again; as the jobs of a sweep.

    Returns:
        What came out; its `result` is None where an earlier run had done it.

    Raises:
        CfexpError: The data, the training or the tracking failed.
    """
    if resume:
        training = experiment.training.replace(resume=True)
        experiment = experiment.replace(training=training)
    job = _job(experiment, _tracking(tracking), folder, once=once)
    with borrowed():
        return train_job(replace(job, name=name or job.name))


def load(
    run: str | Path = "latest",
    *,
    tracking: str | Tracking | None = LOCAL,
    like: Experiment | None = None,
) -> Predictor:
    """Returns a trained model.

    Args:
        run: ``latest``, ``best``, a run id or its first characters, a run's name,
            ``models:/name/version`` or ``models:/name@alias``, or the folder of a run
            or of its model.
        tracking: Where it was tracked, as in `train`.
        like: What ``best`` is chosen among: runs with its dataset, split and seed.

    Raises:
        CfexpError: There is no such model, or it is damaged.
    """
    choice = Choice(required=of_data(like) if like else {})
    with borrowed():
        saved = find_model(str(run), tracking=_tracking(tracking), choice=choice)
    # A folder may be a stranger's: only what is imported already is used for it.
    return Predictor.load(saved.folder, named=None if saved.run_id else ())


def _job(
    experiment: Experiment,
    tracking: Tracking,
    folder: str | Path | None,
    *,
    once: bool,
) -> Job:
    """Returns the job of training an experiment, in a new folder where none is given.

    Raises:
        ConfigError: An earlier run is asked for, but runs are not tracked.
    """
    if once and not tracking.enabled:
        raise ConfigError(
            "once=True looks for an earlier run where runs are tracked, but tracking is"
            " off: give tracking=, or leave once out"
        )
    overrides = overrides_of(experiment)
    new = f"outputs/{datetime.now():%Y-%m-%d/%H-%M-%S-%f}"
    job = Job(
        experiment=experiment,
        tracking=tracking,
        folder=Path(folder or new).expanduser(),
        name=run_name(experiment.model.name, overrides or []),
        overrides=None if overrides is None else tuple(effective(overrides)),
        once=once,
    )
    together = experiment.training.strategy == "multiworker"
    return job.of_worker(worker_index()) if together else job


def _tracking(given: str | Tracking | None) -> Tracking:
    if isinstance(given, Tracking):
        return given
    if given is None or given == "none":
        return Tracking(enabled=False)
    return Tracking(uri=given)
