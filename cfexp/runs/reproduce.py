"""``mode=reproduce``: trains a finished run again and compares the metrics."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from cfexp.config.build import experiment_of
from cfexp.config.identity import effective
from cfexp.errors import ConfigError
from cfexp.experiment import Experiment
from cfexp.models.ensemble import Ensemble
from cfexp.models.overlap import DROP
from cfexp.models.source import Source
from cfexp.runs import trained, verdict
from cfexp.runs.conclusion import conclude_outcome
from cfexp.runs.task import Task
from cfexp.runs.train import train
from cfexp.runtime import tensorflow
from cfexp.runtime.provenance import git_state
from cfexp.tracking.folder import Past
from cfexp.tracking.settings import Choice
from cfexp.tracking.tags import MEMBERS, OVERRIDES, REPRODUCED, REPRODUCES, SOURCE
from cfexp.tracking.tracker import annotate, check_tracking, find_model, find_past


def reproduce(task: Task) -> None:
    """Trains a finished run again with its own settings and compares the metrics.

    Raises:
        CfexpError: The run cannot be found or trained again, or its metrics differ.
    """
    check_tracking(task.tracking)
    reference = str(task.options.run_id)
    past = find_past(reference, tracking=task.tracking, choice=task.choice)
    experiment = _same_experiment(past, task)
    source = _source_of(past, task)
    data = experiment.load(source=source)
    verdict.check_data(past, data)
    verdict.warn_of_code(past, git_state(Path.cwd()))
    overrides = past.tags.get(OVERRIDES)
    job = replace(
        task.job(experiment, {REPRODUCES: past.run_id}),
        name=task.options.run_name or f"reproduce {past.run_id}",
        overrides=None if overrides is None else tuple(json.loads(overrides)),
    )
    outcome = train(job, data=data, source=source)
    now = Past.load("", task.folder / "results")
    file = task.folder / "results" / verdict.FILE
    found = verdict.judge(past, now, file)
    if outcome.run_id:
        tags = {REPRODUCED: found}
        annotate(task.tracking, outcome.run_id, tags=tags, file=file)
    verdict.check_verdict(past, found, file)
    conclude_outcome(f"{job.name}, {found}", outcome)


def _same_experiment(past: Past, task: Task) -> Experiment:
    """Returns the experiment of a past run; only overrides of paths are applied.

    Raises:
        ConfigError: An override would change the result.
    """
    found = task.experiment_over(past.config)
    if found.identity() != experiment_of(past.config).identity():
        changed = " ".join(effective(task.overrides))
        raise ConfigError(
            f"{changed}: cfexp reproduce trains run {past.run_id} with its own"
            " settings, and this would change its result. Leave it out, or use"
            " mode=train"
        )
    return _with_members(found, past.tags.get(MEMBERS, "").split())


def _with_members(experiment: Experiment, runs: Sequence[str]) -> Experiment:
    """Returns an experiment whose ensemble, if it is one, stacks these runs."""
    model = experiment.model
    if not isinstance(model, Ensemble):
        return experiment
    return experiment.replace(model=model.replace(runs=list(runs)))


def _source_of(past: Past, task: Task) -> Source | None:
    """Returns the trained model that a past run was fine-tuned from, if any."""
    name = past.tags.get(SOURCE)
    if name is None:
        return None
    tensorflow.start()
    saved = find_model(name, tracking=task.tracking, choice=Choice())
    # The split's fingerprint is checked, which shows the rows that were left out then.
    return Source(trained.load(saved, task.experiment), name, DROP, same_ids=True)
