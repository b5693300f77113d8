"""The files of a run, wherever they are."""

from pathlib import Path

from cfexp.tracking.listed import Listed


def stored(run: Listed, name: str) -> Path | None:
    """Returns a file of a run, downloaded where it is on a server; None without.

    Args:
        run: The run.
        name: The file.
    """
    if run.run_id is None:
        path = Path(run.artifacts, name)
        return path if path.exists() else None
    from cfexp.tracking.search import artifact

    return artifact(run.artifacts, name)
