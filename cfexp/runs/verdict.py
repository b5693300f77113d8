"""Compares a reproduced run with the past one, metric by metric."""

import json
import logging
import math
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from cfexp.data.split import Data
from cfexp.errors import DataError, TrainingError
from cfexp.evaluation.names import RELOAD_DIFFERENCE, is_time
from cfexp.runs.results import writing
from cfexp.runtime.console import print_frame, print_lines
from cfexp.runtime.provenance import PACKAGES, GitState, versions
from cfexp.tracking.folder import Past
from cfexp.tracking.tags import (
    COMMIT,
    DATA_SHA256,
    DIRTY,
    SPLIT_SHA256,
    VERSIONS,
    WEIGHTS_SHA256,
)

log = logging.getLogger(__name__)

# In stars: rounding differences from the order of sums in threads are smaller.
TOLERANCE = 1e-4
EQUAL, CLOSE, DIFFERENT = "equal", "within tolerance", "different"
ALWAYS_SHOWN = ("test_rmse", "test_mae", "val_rmse", "best_epoch")
FILE = "reproduce.csv"


def check_data(past: Past, data: Data) -> None:
    """Checks that dataset and split are those of the past run.

    Args:
        past: The run to reproduce.
        data: The present dataset and split.

    Raises:
        DataError: They differ.
    """
    for what, tag, now in (
        ("data are", DATA_SHA256, data.ratings.fingerprint),
        ("split is", SPLIT_SHA256, data.split.fingerprint),
    ):
        then = past.tags[tag]
        if then != now:
            raise DataError(
                f"run {past.run_id} cannot be reproduced: the {what} not the same."
                f" Fingerprint then {then[:12]}, now {now[:12]}. Restore the data, or"
                " train a new run"
            )


def warn_of_code(past: Past, git: GitState | None) -> None:
    """Warns if code or packages differ from those of the past run."""
    commit = past.tags.get(COMMIT)
    if past.tags.get(DIRTY) == "true":
        log.warning(
            "run %s was trained with uncommitted changes; they are in its git.diff",
            past.run_id,
        )
    if git and (git.diff or git.untracked):
        log.warning("there are uncommitted changes now: git status shows them")
    if commit and (git is None or git.commit != commit):
        now = git.commit[:12] if git else "no repository"
        log.warning(
            "run %s was trained at commit %s, now it is %s. For the same code: git"
            " checkout %s",
            past.run_id,
            commit[:12],
            now,
            commit,
        )
    found, before = versions(), json.loads(past.tags.get(VERSIONS, "{}"))
    changed = [
        f"{name} {then} then, {found[name]} now"
        for name in ("python", *PACKAGES)
        if (then := before.get(name, found[name])) != found[name]
    ]
    if changed:
        log.warning("other packages: %s", "; ".join(changed))


def compared(
    then: Mapping[str, float], now: Mapping[str, float], *, tolerance: float
) -> pd.DataFrame:
    """Returns ``metric``, ``then``, ``now`` and ``verdict``, different ones first."""
    names = sorted(
        name
        for name in then.keys() | now.keys()
        if not is_time(name) and name != RELOAD_DIFFERENCE
    )
    rows = [
        {
            "metric": name,
            "then": then.get(name, math.nan),
            "now": now.get(name, math.nan),
        }
        for name in names
    ]
    table = pd.DataFrame(rows)
    table["verdict"] = [
        _verdict(a, b, tolerance)
        for a, b in zip(table["then"], table["now"], strict=True)
    ]
    order = {DIFFERENT: 0, CLOSE: 1, EQUAL: 2}
    return table.sort_values(
        "verdict", key=lambda v: v.map(order), kind="stable", ignore_index=True
    )


def judge(past: Past, now: Past, file: Path) -> str:
    """Compares two runs; prints the comparison and writes it to `file`.

    Returns:
        The worst verdict of all metrics: `EQUAL`, `CLOSE` or `DIFFERENT`.
    """
    table = compared(past.metrics, now.metrics, tolerance=TOLERANCE)
    with writing(file.parent, file.name):
        table.to_csv(file, index=False)
    counts = table["verdict"].value_counts()
    shown = table[(table["verdict"] != EQUAL) | table["metric"].isin(ALWAYS_SHOWN)]
    print_frame(f"run {past.run_id}, reproduced", shown.head(20), digits=6)
    same = past.tags[WEIGHTS_SHA256] == now.tags[WEIGHTS_SHA256]
    lines = [
        (verdict, f"{counts.get(verdict, 0)} of {len(table)} metrics")
        for verdict in (EQUAL, CLOSE, DIFFERENT)
    ]
    lines.append(("tolerance", f"{TOLERANCE}"))
    lines.append(("weights", "bitwise equal" if same else "not bitwise equal"))
    print_lines(lines)
    return str(table["verdict"].iloc[0])


def check_verdict(past: Past, verdict: str, file: Path) -> None:
    """Checks that a run was reproduced.

    Raises:
        TrainingError: A metric differs by more than `TOLERANCE`.
    """
    if verdict == DIFFERENT:
        raise TrainingError(
            f"run {past.run_id} was not reproduced: metrics differ by more than"
            f" {TOLERANCE}, see {file}. If a warning above names other code or"
            " packages, restore them first"
        )


def _verdict(then: float, now: float, tolerance: float) -> str:
    if then == now or (math.isnan(then) and math.isnan(now)):
        return EQUAL
    return CLOSE if abs(then - now) <= tolerance else DIFFERENT
