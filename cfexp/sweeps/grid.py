"""A sweep over every combination of the options' values."""

from collections.abc import Sequence
from typing import Any

from hydra.core.utils import JobReturn, JobStatus

from cfexp.sweeps.checked import CheckedSweeper


class Grid(CheckedSweeper):
    """Runs every combination of the values that options list, each equal job once.

    Args:
        params: Swept options besides those of the command line, as in
            ``{"model.l2": "0.1,0.2"}``.
        max_batch_size: Jobs that the launcher gets at a time; None: all.
    """

    def __init__(
        self, params: dict[str, str] | None = None, max_batch_size: int | None = None
    ):
        self.max_batch_size = max_batch_size

    def sweep(self, arguments: list[str]) -> list[Sequence[JobReturn]]:
        """Runs the jobs; returns their results, by batch.

        Args:
            arguments: Not read; the jobs are those of the configuration.
        """
        from cfexp.config.jobs import checked

        jobs = [list(job.overrides) for job in checked(self.config).jobs]
        self.begin()
        found: list[Sequence[JobReturn]] = []
        size = self.max_batch_size or len(jobs)
        for start in range(0, len(jobs), size):
            batch: Any = jobs[start : start + size]
            done = self.launcher.launch(batch, initial_job_idx=start)
            for one in done:
                if one.status is JobStatus.FAILED:
                    # `return_value` would print a line of Hydra's, too.
                    raise one._return_value
            found.append(done)
        return found
