"""Folds and seeds of one configuration, as one result with its uncertainty."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from cfexp.config.identity import code_version, digest
from cfexp.data.ratings import Ratings
from cfexp.errors import ConfigError
from cfexp.evaluation.rows import read_errors
from cfexp.evaluation.uncertainty import TOLD, Part, summary
from cfexp.runs import metadata as describe
from cfexp.runs.job import Job
from cfexp.runs.results import check_folder, write_metrics, writing
from cfexp.runs.train import Outcome, train
from cfexp.runtime.console import print_frame, print_lines
from cfexp.tracking.folder import TEST_PREDICTIONS, VALID_PREDICTIONS
from cfexp.tracking.settings import Tracking
from cfexp.tracking.tracker import open_group
from cfexp.training.program_sharing import shared_programs

FILE = "repeats.csv"


@dataclass(frozen=True)
class Member:
    """One fold or seed.

    Attributes:
        label: Which.
        job: Its training.
    """

    label: str
    job: Job


def train_repeats(
    members: Sequence[Member],
    *,
    folder: Path,
    name: str,
    key: str | None,
    parent_id: str | None,
) -> dict[str, float]:
    """Trains every member under one MLflow run, which gets means and intervals.

    The dataset is loaded once, and equal models share a compiled program. Members that
    were finished before are not trained again where the group is known by its key.

    Args:
        members: The folds and seeds, two or more.
        folder: Where the group's ``results/`` go; the members have folders of theirs.
        name: Name of the MLflow run.
        key: What the same group has again; None to train all anew.
        parent_id: The MLflow run that the group belongs to.

    Returns:
        The mean of each metric, and what `summary` says of those that matter.

    Raises:
        CfexpError: A member failed, or a model is to be registered.
    """
    check_folder(folder, FILE)
    for member in members:
        check_folder(member.job.folder)
    first = members[0].job
    tracking: Tracking = first.specs["tracking"]
    if tracking.register_as is not None:
        raise ConfigError(
            f"tracking.register_as={tracking.register_as} names one model, but cv and"
            " seeds train several. Register the one that you choose afterwards, with"
            " cfexp promote"
        )
    ratings: Ratings = first.specs["dataset"].load()
    group = open_group(
        tracking,
        kind="cv",
        name=name,
        key=key and digest(key, code_version(), ratings.fingerprint),
        tags={"cfexp.model": first.specs["model"].name, "cfexp.folder": str(folder)},
        folder=folder,
        parent_id=parent_id,
    )
    status = "FAILED"
    try:
        outcomes = []
        with shared_programs():
            for member in members:
                job = replace(member.job, parent_id=group.run_id if group else None)
                outcome = train(
                    replace(job, once=group is not None and key is not None),
                    ratings=ratings,
                )
                outcomes.append(outcome)
        table = pd.DataFrame(
            [outcome.metrics for outcome in outcomes],
            index=[member.label for member in members],
        )
        found, covers = _summary(table, outcomes)
        write_metrics(folder / "results", found)
        file = folder / "results" / FILE
        with writing(folder / "results", FILE):
            table.to_csv(file, index_label="repeat")
        if group:
            params = describe.job_params(first)
            for repeated in ("split.fold", "seed"):
                params.pop(repeated, None)
            tags = {f"cfexp.{part}_interval": said for part, said in covers.items()}
            group.log(params=params, metrics=found, tags=tags, files=folder / "results")
        status = "FINISHED"
    except KeyboardInterrupt:
        status = "KILLED"
        raise
    finally:
        if group:
            group.finish(status)
    _print(name, table, found, covers)
    print_lines(
        [
            ("folder", str(folder)),
            ("run_id", group.run_id if group else "none (tracking=none)"),
        ]
    )
    return found


def _summary(
    table: pd.DataFrame, outcomes: Sequence[Outcome]
) -> tuple[dict[str, float], dict[str, str]]:
    """Returns what `summary` says of the members' errors."""
    rest = table["train_rows"]
    parts = {}
    for key, rows, file in (
        ("val", table["valid_rows"], VALID_PREDICTIONS),
        ("test", table["test_rows"], TEST_PREDICTIONS),
    ):
        errors = [_errors(outcome, file) for outcome in outcomes]
        parts[key] = Part(errors, share=float((rows / rest).mean()))
        rest = rest + rows  # test rows are cut off first
    return summary(table, parts)


def _errors(outcome: Outcome, file: str) -> pd.DataFrame:
    """Returns the errors of a member's predictions.

    The folder of a member that was finished before may be gone, or used again: MLflow
    has its files.
    """
    if outcome.repeated:
        return read_errors(outcome.folder / "results" / file)
    assert outcome.run_id is not None
    from cfexp.tracking.search import predictions_of

    return predictions_of(outcome.run_id, file)


def _print(
    name: str,
    table: pd.DataFrame,
    found: Mapping[str, float],
    covers: Mapping[str, str],
) -> None:
    """Prints the repeats, their means and intervals, and what those cover."""
    told = [metric for metric in TOLD if metric in found]
    lines = {"mean": "", "std": "_std", "95 % low": "_low", "95 % high": "_high"}
    means = pd.DataFrame(
        {label: [found.get(m + end) for m in told] for label, end in lines.items()},
        index=told,
        dtype=float,
    )
    shown = pd.concat([table[told], means.T]).reset_index(names="repeat")
    print_frame(f"{name}: {len(table)} repeats", shown)
    print_lines([(f"95 % of {part}", said) for part, said in covers.items()])
