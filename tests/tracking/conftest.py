"""A place to track in."""

from pathlib import Path

import pytest
from helpers import share_tables

from cfexp.tracking import calls
from cfexp.tracking.database import create_database
from cfexp.tracking.settings import Tracking


@pytest.fixture
def tracking(workdir: Path, monkeypatch: pytest.MonkeyPatch) -> Tracking:
    """A database of its own; nothing waits."""
    share_tables()
    uri = f"sqlite:///{workdir / 'mlflow.db'}"
    create_database(uri)
    monkeypatch.setattr(calls, "WAITS", (0, 0))
    return Tracking(
        enabled=True, uri=uri, experiment="e", register_as=None, git_diff=True
    )
