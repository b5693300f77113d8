"""``mode=reproduce``: trains a finished run again, as it was, and judges both."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from cfexp.config.build import experiment_of
from cfexp.config.identity import telling
from cfexp.errors import ConfigError
from cfexp.experiment import Experiment
from cfexp.models.ensemble import Ensemble
from cfexp.models.overlap import DROP
from cfexp.models.predictor import Predictor
from cfexp.models.source import Source
from cfexp.runs import verdict
from cfexp.runs.task import Task
from cfexp.runs.train import train
from cfexp.runtime import tensorflow
from cfexp.runtime.provenance import git_state
from cfexp.tracking.folder import Past
from cfexp.tracking.settings import Choice
from cfexp.tracking.tags import MEMBERS, OVERRIDES, REPRODUCED, SOURCE
from cfexp.tracking.tracker import annotate, check_tracking, find_model, find_past


def reproduce(task: Task) -> None:
    """Trains a finished run again, from its own settings, and judges both.

    Raises:
        CfexpError: The run cannot be found or trained again, or came out differently.
    """
    check_tracking(task.tracking)
    reference = str(task.options.run_id)
    past = find_past(reference, tracking=task.tracking, choice=task.choice)
    experiment = _as_it_was(past, task)
    source = _source_of(past, task)
    data = experiment.load(source=source)
    verdict.check_data(past, data)
    verdict.warn_of_code(past, git_state(Path.cwd()))
    overrides = past.tags.get(OVERRIDES)
    job = replace(
        task.job(experiment, reproduces=past.run_id),
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


def _as_it_was(past: Past, task: Task) -> Experiment:
    """Returns the experiment of a past run; its files may lie elsewhere, no more.

    Raises:
        ConfigError: An override would make it another run.
    """
    found = task.experiment_over(past.config)
    if found.identity() != experiment_of(past.config).identity():
        changed = " ".join(telling(task.overrides))
        raise ConfigError(
            f"{changed}: cfexp reproduce trains run {past.run_id} as it was, and this"
            " would make it another run. Leave it out, or train it with mode=train"
        )
    return _with_members(found, past.tags.get(MEMBERS, "").split())


def _with_members(experiment: Experiment, runs: Sequence[str]) -> Experiment:
    """Returns an experiment whose ensemble stacks the runs that it stacked then."""
    model = experiment.model
    if not isinstance(model, Ensemble):
        return experiment
    return experiment.replace(model=model.replace(runs=list(runs)))


def _source_of(past: Past, task: Task) -> Source | None:
    """Returns the parent run's model of a past run that was fine-tuned."""
    name = past.tags.get(SOURCE)
    if name is None:
        return None
    tensorflow.start()
    saved = find_model(name, tracking=task.tracking, choice=Choice())
    # What was left out then shows in the split's fingerprint, which is checked.
    return Source(Predictor.load(saved.folder), name, DROP, same_ids=True)
