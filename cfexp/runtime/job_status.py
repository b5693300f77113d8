"""How far each job of a sweep is: a file in its folder, for any process to read."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

STATUS, LOG = "status.json", "cfexp.log"
RUNNING, FAILED, PRUNED, STOPPED = "running", "failed", "pruned", "stopped"
FINISHED, BEFORE = "finished", "finished before"
DONE = (FINISHED, BEFORE)


@dataclass(frozen=True)
class JobStatus:
    """How far a job of a sweep is.

    Attributes:
        sweep: What the jobs of one call of a sweep share.
        number: Number of the job, from 0.
        overrides: Its overrides that change the result.
        started: When it was started, in seconds since 1970.
        ended: When it ended; None while it runs.
        state: `RUNNING`, `FINISHED`, `BEFORE`, `FAILED`, `PRUNED` or `STOPPED`.
        stage: What is shown beside its epochs, such as ``training``.
        epoch: Its last finished epoch.
        epochs: The most epochs; 0 for a model that is not trained in epochs.
        figures: What the epoch came to, as text.
        metrics: Its final metrics.
        error: Why it failed, in one line.
        warnings: Its warnings, if it has no terminal to print them to.
        folder: Its folder, with its log file.
    """

    sweep: str
    number: int
    overrides: tuple[str, ...]
    started: float
    ended: float | None = None
    state: str = RUNNING
    stage: str = ""
    epoch: int = 0
    epochs: int = 0
    figures: tuple[str, ...] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)
    error: str = ""
    warnings: tuple[str, ...] = ()
    folder: str = ""

    @property
    def seconds(self) -> float:
        """Seconds from the start to the end; 0 while it runs."""
        return max(self.ended - self.started, 0.0) if self.ended else 0.0

    def write(self, folder: Path) -> None:
        """Writes it into the job's folder, atomically.

        Raises:
            OSError: It cannot be written.
        """
        partial = folder / f".{STATUS}.{os.getpid()}.tmp"
        partial.write_text(json.dumps(asdict(self)))
        partial.replace(folder / STATUS)

    @classmethod
    def read(cls, folder: Path) -> "JobStatus | None":
        """Returns what a job has written; None if it has written nothing readable."""
        with suppress(OSError, ValueError, TypeError):
            found = json.loads((folder / STATUS).read_text())
            for name in ("overrides", "figures", "warnings"):
                found[name] = tuple(found[name])
            return cls(**found)
        return None


def job_folders(sweep: Path) -> Iterator[Path]:
    """Returns the folders of a sweep's jobs that have written how far they are."""
    return (path.parent for path in sorted(sweep.glob(f"*/{STATUS}")))
