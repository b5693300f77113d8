"""Trains the folds and seeds of one experiment: one result with its uncertainty."""

import json
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from cfexp.config.identity import code_version, repeated_options
from cfexp.config.objective import chosen_by
from cfexp.config.repeats import Repeat, repeats
from cfexp.data.ratings import Ratings
from cfexp.errors import ConfigError
from cfexp.evaluation.names import RANKING, REPEATS, ROWS
from cfexp.evaluation.ranking import NDCG
from cfexp.evaluation.rows import read_errors
from cfexp.evaluation.uncertainty import PARTS, Part, summary, with_interval
from cfexp.reports.description import of_repeats
from cfexp.runs import metadata
from cfexp.runs.conclusion import conclude_run
from cfexp.runs.job import Job, Outcome
from cfexp.runs.job_report import note
from cfexp.runs.paperwork import in_background
from cfexp.runs.repeats_view import RepeatsView
from cfexp.runs.results import check_folder, write_metrics, writing
from cfexp.runs.task import Task
from cfexp.runs.train import train
from cfexp.runtime.console import print_frame, print_lines
from cfexp.runtime.job_status import BEFORE, FINISHED
from cfexp.runtime.output import near
from cfexp.spec import digest
from cfexp.tracking.folder import METRICS, SKIPPED, TEST_PREDICTIONS, VALID_PREDICTIONS
from cfexp.tracking.settings import NewRun
from cfexp.tracking.tags import FOLDER, MODEL, NOTE
from cfexp.tracking.tracker import open_parent

if TYPE_CHECKING:
    from cfexp.tracking.parent import ParentRun

FILE = "repeats.csv"


@dataclass(frozen=True)
class Repeated:
    """The result of one fold or seed.

    Attributes:
        label: The fold and seed, such as ``split.fold=0 seed=1``.
        metrics: Its final metrics.
        errors: The errors of its predictions, by file name.
    """

    label: str
    metrics: Mapping[str, float]
    errors: Mapping[str, pd.DataFrame]


def train_repeats(task: Task) -> dict[str, float]:
    """Trains each fold and seed under a parent run, which gets means and intervals.

    The dataset is loaded once. Repeats that were finished before are skipped, unless
    ``rerun`` is set.

    Returns:
        The metrics' means and intervals, see `summary`.

    Raises:
        CfexpError: A repeat failed, or ``tracking.register_as`` is set.
        Pruned: ``task.listener`` gave the others up.
    """
    found = repeats(task.experiment, task.options, task.overrides)
    _check(task, len(found))
    ratings = task.experiment.dataset.load()
    parent = _open_parent(task, found, ratings)
    with parent or nullcontext():
        done = _train_all(task, found, ratings, parent)
        table = pd.DataFrame({one.label: one.metrics for one in done}).T
        means, covers = _summary(table, done)
        _save(task, table, means)
        if parent:
            params = metadata.params(task.experiment).items()
            parent.log(
                params={k: v for k, v in params if k not in repeated_options()},
                metrics=means,
                tags={f"cfexp.{part}_interval": text for part, text in covers.items()}
                | {NOTE: of_repeats(task.experiment.model.name, ratings.name, means)},
                files=task.folder / "results",
            )
    _print(task.name, table, means, covers)
    _print_place(task, means, parent.run_id if parent else None)
    return means


def _check(task: Task, n: int) -> None:
    """Checks that all folders can be written, and that no model is to be registered.

    Raises:
        ConfigError: A folder cannot, or ``tracking.register_as`` is set.
    """
    check_folder(task.folder, FILE)
    for i in range(n):
        check_folder(task.folder / str(i))
    if task.tracking.register_as is not None:
        raise ConfigError(
            f"tracking.register_as={task.tracking.register_as} registers one model, but"
            " cv and seeds train several. Choose one afterwards and register it with"
            " cfexp promote"
        )


def _open_parent(
    task: Task, found: Sequence[Repeat], ratings: Ratings
) -> "ParentRun | None":
    keys = [one.experiment.key() for one in found]
    same = digest(*keys, task.parent_id or "", code_version(), ratings.fingerprint)
    tags = {MODEL: task.experiment.model.name, FOLDER: str(task.folder)}
    new = NewRun(task.name, tags, task.folder, task.parent_id)
    key = None if task.options.rerun else same
    return open_parent(task.tracking, new, kind="cv", key=key)


def _train_all(
    task: Task, found: Sequence[Repeat], ratings: Ratings, parent: "ParentRun | None"
) -> list[Repeated]:
    view = RepeatsView.of(
        len(found), chosen_by("objective", task.request), is_tracked=parent is not None
    )
    trained: list[tuple[str, Outcome, Path]] = []
    with view, in_background():
        for i, one in enumerate(found):
            job = _job_of(task, i, one, parent)
            with view.repeat(i, one.label, job.folder) as report:
                outcome = train(job, data=one.experiment.load(ratings))
                report.note(FINISHED if outcome.result else BEFORE, outcome.metrics)
            trained.append((one.label, replace(outcome, result=None), job.folder))
            task.listener.on_repeat([o.metrics for _, o, _ in trained], len(found))
    return [_repeated(*one) for one in trained]


def _repeated(label: str, outcome: Outcome, folder: Path) -> Repeated:
    """Returns the result of a repeat whose files are written."""
    files = (VALID_PREDICTIONS, TEST_PREDICTIONS)
    errors = {file: _errors(outcome, folder, file) for file in files}
    metrics = json.loads((folder / "results" / METRICS).read_text())
    return Repeated(label, metrics, errors)


def _job_of(task: Task, i: int, one: Repeat, parent: "ParentRun | None") -> Job:
    return replace(
        task.job(one.experiment),
        folder=task.folder / str(i),
        name=f"{one.label} {task.name}"[:200],
        overrides=tuple(one.overrides),
        parent_id=parent.run_id if parent else None,
        once=parent is not None and not task.options.rerun,
    )


def _save(task: Task, table: pd.DataFrame, means: Mapping[str, float]) -> None:
    folder = task.folder / "results"
    write_metrics(folder, means)
    with writing(folder, FILE):
        table.to_csv(folder / FILE, index_label="repeat")


def _summary(
    table: pd.DataFrame, done: Sequence[Repeated]
) -> tuple[dict[str, float], dict[str, str]]:
    """Returns means, intervals and what they cover, see `summary`."""
    rest = table[f"{ROWS}train"]
    parts = {}
    for key, rows, file in (
        ("val", table[f"{ROWS}valid"], VALID_PREDICTIONS),
        ("test", table[f"{ROWS}test"], TEST_PREDICTIONS),
    ):
        errors = [one.errors[file] for one in done]
        parts[key] = Part(errors, share=float((rows / rest).mean()))
        rest = rest + rows  # the test rows were split off before the validation rows
    return summary(table, parts)


def _errors(outcome: Outcome, folder: Path, file: str) -> pd.DataFrame:
    """Returns the errors of a repeat's predictions.

    Those of a skipped repeat are read from MLflow, since its folder may be gone or
    overwritten.
    """
    if not (folder / SKIPPED).exists():
        return read_errors(folder / "results" / file)
    assert outcome.run_id is not None
    from cfexp.tracking.search import predictions_of

    return predictions_of(outcome.run_id, file)


def _print_place(task: Task, means: Mapping[str, float], run_id: str | None) -> None:
    """Prints where the repeats are, and their means for ``-q`` and ``--json``."""
    print_lines(
        [("folder", near(task.folder)), ("run_id", run_id or "none (tracking=none)")]
    )
    note(FINISHED, means)  # as a job of a sweep
    name = f"{task.name}, mean of all repeats"
    conclude_run(name, means, folder=task.folder, run_id=run_id)


def _print(
    name: str,
    table: pd.DataFrame,
    found: Mapping[str, float],
    covers: Mapping[str, str],
) -> None:
    """Prints the repeats, their means and intervals, and what the intervals cover."""
    known = [name for part in PARTS for name in with_interval(part, found)]
    # Of the measures of ranking, NDCG; all of them are among the metrics.
    metrics = [n for n in known if RANKING not in n or NDCG in n]
    ends = {"std": "_std", "95 % low": "_low", "95 % high": "_high"}
    lines = {"mean": [found[m] for m in metrics]} | {
        label: [found.get(f"{REPEATS}{m}{end}") for m in metrics]
        for label, end in ends.items()
    }
    means = pd.DataFrame(
        lines,
        index=metrics,
        dtype=float,
    )
    shown = pd.concat([table[metrics], means.T]).reset_index(names="repeat")
    print_frame(f"{name}: {len(table)} repeats", shown)
    print_lines([(f"95 % of {part}", text) for part, text in covers.items()])
