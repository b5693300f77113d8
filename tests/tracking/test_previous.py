"""A job that was finished before is found."""

from pathlib import Path

import mlflow

from cfexp.tracking.previous import find_earlier
from cfexp.tracking.settings import Tracking


def test_finished_job_is_found_wherever_mlflow_points(
    tracking: Tracking, workdir: Path
) -> None:
    """As in a worker process that has tracked nothing yet, of Ray for one."""
    client = mlflow.MlflowClient(tracking.uri)
    experiment = client.create_experiment("e")
    tags = {"cfexp.job_key": "k", "cfexp.kind": "train", "cfexp.folder": "f"}
    run = client.create_run(experiment, tags=tags)
    client.set_terminated(run.info.run_id, "FINISHED")
    mlflow.set_tracking_uri(f"sqlite:///{workdir / 'other.db'}")
    found = find_earlier(tracking, "k", lock=workdir / "k.lock", parent_id=None)
    assert found is not None
    assert found.run_id == run.info.run_id
