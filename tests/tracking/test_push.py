"""What a run's folder holds is pushed later, once."""

import json
from dataclasses import replace
from pathlib import Path

import mlflow
import pytest
from helpers import TINY, cfexp, python
from mlflow.entities import LoggedModelStatus

from cfexp.commands.sync import main
from cfexp.errors import TrackingError
from cfexp.runtime.locks import RUN_LOCK
from cfexp.tracking.run import MlflowRun
from cfexp.tracking.settings import NewRun, Tracking
from cfexp.tracking.unsynced import FILE, Record


@pytest.mark.slow
def test_killed_while_it_logs_is_completed_by_sync(workdir: Path) -> None:
    """kill -9 when the model is logged and the results are not yet."""
    code = (
        "import os, signal, mlflow\n"
        "mlflow.log_artifacts = lambda _: os.kill(os.getpid(), signal.SIGKILL)\n"
        "from cfexp.cli import run_cli; run_cli()"
    )
    arguments = ["model=bias", *TINY, "hydra.run.dir=run", "tracking.register_as=films"]
    done = python(code, *arguments, cwd=workdir)
    assert done.returncode == -9, done.stderr
    client = mlflow.MlflowClient(f"sqlite:///{workdir / 'mlflow.db'}")
    (left,) = client.search_runs(["1"])
    assert left.info.status == "RUNNING"
    other = cfexp(*arguments[:-1], "seed=1", cwd=workdir)
    assert "holds a run that" in other.stderr  # it would be written over
    main(["run"])
    (run,) = client.search_runs(["1"])
    assert run.info.run_id == left.info.run_id
    assert run.info.status == "FINISHED"
    assert run.data.metrics["test_rmse"] > 0
    assert len(run.data.tags["cfexp.weights_sha256"]) == 64
    assert "metrics.json" in {f.path for f in client.list_artifacts(run.info.run_id)}
    (output,) = run.outputs.model_outputs
    model = client.get_logged_model(output.model_id)
    assert model.status == LoggedModelStatus.READY
    assert client.get_model_version("films", "1").run_id == run.info.run_id
    assert not list((workdir / "run").glob("unsynced*"))
    assert not (workdir / "run" / RUN_LOCK).exists()


def test_sync_leaves_living_and_finished_runs_alone(
    tracking: Tracking, workdir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = workdir / "run"
    with MlflowRun(tracking, NewRun("r", {}, folder)) as tracked:
        tracked.log_results({"m": 1.0}, workdir / "empty")
        assert Record.load(folder).status == "FINISHED"
        main(["run"])
        assert "still running" in capsys.readouterr().out
        assert (folder / FILE).exists()
    assert not (folder / FILE).exists()
    # A process that was killed between its last word and the removal of the file.
    replace(tracked._record, run_id=tracked.run_id, metrics={"m": 2.0}).save(folder)
    main(["run"])
    assert "finished by another process" in capsys.readouterr().out
    assert mlflow.get_run(tracked.run_id).data.metrics == {"m": 1.0}
    assert not (folder / FILE).exists()


GOOD = {
    "uri": "sqlite:///mlflow.db",
    "experiment": "e",
    "register_as": None,
    "name": "r",
    "run_id": None,
    "parent_id": None,
    "status": "FINISHED",
}


@pytest.mark.parametrize(
    "text",
    [
        "",
        json.dumps(GOOD)[:40],
        "[]",
        "{}",
        json.dumps(GOOD | {"colour": "red"}),
        json.dumps(GOOD | {"tags": None}),
        json.dumps(GOOD | {"register_as": "a/b:c"}),
    ],
)
def test_damaged_record_is_one_line(workdir: Path, text: str) -> None:
    (workdir / "run").mkdir()
    (workdir / "run" / FILE).write_text(text)
    with pytest.raises(TrackingError, match=rf"run/{FILE} cannot be used") as refused:
        main(["run"])
    assert "\n" not in str(refused.value)
    assert (workdir / "run" / FILE).read_text() == text
    assert not (workdir / "mlflow.db").exists()
