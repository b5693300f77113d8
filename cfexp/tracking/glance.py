"""Reads earlier runs from MLflow's SQLite file, without importing MLflow."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cfexp.evaluation.names import PEAK_MEMORY, TOTAL_SECONDS
from cfexp.tracking.settings import SQLITE, Tracking
from cfexp.tracking.tags import DATA_SHA256, JOB_KEY, MODEL, SPLIT_SHA256, owner_of

RUNS = """
SELECT run_uuid, status FROM runs JOIN experiments USING (experiment_id)
WHERE experiments.name = ? AND runs.lifecycle_stage = 'active'
"""
# Tags, parameters of the dataset and numbers of all runs of an experiment.
VALUES = """
SELECT run_uuid, key, value FROM {table} JOIN runs USING (run_uuid)
JOIN experiments USING (experiment_id) WHERE experiments.name = ? AND ({which})
"""


@dataclass(frozen=True)
class Seen:
    """What is known of an earlier run.

    Attributes:
        run_id: Its id.
        status: Its status in MLflow.
        job_key: The key of its job.
        data: SHA-256 of its ratings and of its split.
        model: Name of its model.
        dataset: The parameters of its dataset.
        lock: The lock file of the process that runs it.
        seconds: How long it took; None if unknown.
        memory_mb: The most memory of its process; None if unknown.
    """

    run_id: str
    status: str
    job_key: str
    data: tuple[str, str]
    model: str
    dataset: Mapping[str, str]
    lock: Path
    seconds: float | None
    memory_mb: float | None


def glance(tracking: Tracking) -> list[Seen] | str:
    """Returns the trainings of an MLflow experiment, or why they are unknown."""
    if not tracking.enabled:
        return []  # nothing is remembered
    if not tracking.uri.startswith(SQLITE) or "?" in tracking.uri:
        return f"{tracking.uri} is not asked, only an SQLite file"
    path = Path(tracking.absolute_uri.removeprefix(SQLITE))
    if not path.exists():
        return []
    try:
        uri = f"file:{quote(str(path))}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=1)) as base:
            return list(_seen(base, tracking.experiment))
    except sqlite3.Error as error:
        return f"{path} cannot be read: {error}"


def _seen(base: sqlite3.Connection, experiment: str) -> Iterator[Seen]:
    tags = _values(base, "tags", "key LIKE 'cfexp.%'", experiment)
    params = _values(base, "params", "key LIKE 'dataset.%'", experiment)
    named = f"key IN ('{TOTAL_SECONDS}', '{PEAK_MEMORY}')"
    numbers = _values(base, "latest_metrics", named, experiment)
    for run_id, status in base.execute(RUNS, [experiment]):
        own, found = tags.get(run_id, {}), numbers.get(run_id, {})
        if JOB_KEY not in own:
            continue  # a parent run, or no training
        yield Seen(
            run_id,
            status,
            own[JOB_KEY],
            (own.get(DATA_SHA256, ""), own.get(SPLIT_SHA256, "")),
            own.get(MODEL, ""),
            params.get(run_id, {}),
            owner_of(own)[1] or Path(),
            found.get(TOTAL_SECONDS),
            found.get(PEAK_MEMORY),
        )


def _values(
    base: sqlite3.Connection, table: str, which: str, experiment: str
) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    asked = VALUES.format(table=table, which=which)
    for run_id, key, value in base.execute(asked, [experiment]):
        found.setdefault(run_id, {})[key] = value
    return found
