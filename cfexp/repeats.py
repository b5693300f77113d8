"""Folds and seeds of one configuration, as one result with its uncertainty."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from scipy import stats

from cfexp import describe, report, results
from cfexp.data.ratings import Ratings
from cfexp.errors import ConfigError
from cfexp.jobs import Job, code_version, digest
from cfexp.tracking.open import open_group
from cfexp.tracking.settings import Tracking
from cfexp.train import train
from cfexp.training.sharing import shared_programs

FILE = "repeats.csv"
# The metrics whose uncertainty is told.
TOLD = ("val_rmse", "val_mae", "test_rmse", "test_mae", "skill_vs_bias")


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
        The mean of each metric, and what `uncertainty` says of those that matter.

    Raises:
        CfexpError: A member failed, or a model is to be registered.
    """
    results.check_folder(folder, FILE)
    for member in members:
        results.check_folder(member.job.folder)
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
        rows = []
        with shared_programs():
            for member in members:
                job = replace(member.job, parent_id=group.run_id if group else None)
                outcome = train(
                    replace(job, once=group is not None and key is not None),
                    ratings=ratings,
                )
                rows.append(outcome.metrics)
        table = pd.DataFrame(rows, index=[m.label for m in members])
        found = summary(table, test_share=_test_share(table))
        results.write_metrics(folder / "results", found)
        file = folder / "results" / FILE
        with results.writing(folder / "results", FILE):
            table.to_csv(file, index_label="repeat")
        if group:
            params = describe.params(yaml.safe_load(first.config))
            for repeated in ("split.fold", "seed"):
                params.pop(repeated, None)
            group.log(params=params, metrics=found, files=folder / "results")
        status = "FINISHED"
    except KeyboardInterrupt:
        status = "KILLED"
        raise
    finally:
        if group:
            group.finish(status)
    _print(name, table, found, group.run_id if group else None, folder)
    return found


def summary(table: pd.DataFrame, *, test_share: float) -> dict[str, float]:
    """Returns means, and the uncertainty of the metrics in `TOLD`.

    Args:
        table: One row for each fold or seed, one column for each metric.
        test_share: Test rows by training rows.

    Returns:
        Each metric's mean under its own name; ``_std``, ``_low`` and ``_high``.
    """
    whole = table.dropna(axis="columns")
    found = {str(name): float(value) for name, value in whole.mean().items()}
    for name in TOLD:
        std, low, high = uncertainty(table[name].to_numpy(), test_share=test_share)
        found |= {f"{name}_std": std, f"{name}_low": low, f"{name}_high": high}
    return found | {"repeats": float(len(table))}


def uncertainty(values: np.ndarray, *, test_share: float) -> tuple[float, float, float]:
    """Returns the standard deviation and the 95 % interval of the mean.

    The interval is the corrected resampled t's (Nadeau and Bengio, 2003, section 3),
    since folds and seeds share training rows: the variance of the mean is ``(1/n +
    test_share) * std**2``, not ``std**2 / n``, which would be far too sure.

    Args:
        values: A metric of n folds or seeds, shape ``(n,)``.
        test_share: Test rows by training rows.
    """
    n = len(values)
    std = float(np.std(values, ddof=1))
    half = stats.t.ppf(0.975, n - 1) * std * np.sqrt(1 / n + test_share)
    mean = float(np.mean(values))
    return std, mean - float(half), mean + float(half)


def _test_share(table: pd.DataFrame) -> float:
    known = table["train_rows"] + table["valid_rows"]
    return float((table["test_rows"] / known).mean())


def _print(
    name: str,
    table: pd.DataFrame,
    found: Mapping[str, float],
    run_id: str | None,
    folder: Path,
) -> None:
    lines = {"mean": "", "std": "_std", "95 % low": "_low", "95 % high": "_high"}
    told = pd.DataFrame(
        {label: [found[m + end] for m in TOLD] for label, end in lines.items()},
        index=list(TOLD),
    )
    shown = pd.concat([table[list(TOLD)], told.T]).reset_index(names="repeat")
    report.print_frame(f"{name}: {len(table)} repeats", shown)
    report.print_lines(
        [("folder", str(folder)), ("run_id", run_id or "none (tracking=none)")]
    )
