"""Watches the jobs of a sweep that run in other processes, by the files they write."""

import threading
from collections.abc import Callable
from pathlib import Path

from cfexp.runtime.job_status import STATUS, JobStatus, job_folders

SECONDS = 0.5  # between two looks


class Watch:
    """A thread that reads how far each job of a sweep is.

    Args:
        folder: The sweep's folder.
        sweep: The sweep, as `JobStatus.sweep`; jobs of others in the folder are left
            out.
        show: Shows a status.
    """

    def __init__(self, folder: Path, sweep: str, show: Callable[[JobStatus], None]):
        self._folder, self._sweep, self._show = folder, sweep, show
        self._seen: dict[Path, int] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begins to look."""
        self._thread.start()

    def stop(self) -> None:
        """Looks once more, and ends."""
        self._stop.set()
        self._thread.join()
        self.look()

    def look(self) -> None:
        """Shows what has changed since the last look."""
        for folder in job_folders(self._folder):
            try:
                changed = (folder / STATUS).stat().st_mtime_ns
            except OSError:
                continue
            if self._seen.get(folder) == changed:
                continue
            status = JobStatus.read(folder)
            if status:
                self._seen[folder] = changed
                if status.sweep == self._sweep:
                    self._show(status)

    def _run(self) -> None:
        while not self._stop.wait(SECONDS):
            self.look()
