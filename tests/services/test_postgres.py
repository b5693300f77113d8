"""A real tracking server: MLflow on PostgreSQL, with artifacts through the server."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest
from helpers import FITTED, ROOT, TINY, answers, cfexp, free_port, ok, process
from mlflow.entities import Run

from cfexp.training import checkpoint

pytestmark = [
    pytest.mark.slow,
    pytest.mark.long,
    pytest.mark.services,
    pytest.mark.skipif(
        not list(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        or not (os.geteuid() or shutil.which("runuser")),
        reason="no PostgreSQL here: apt-get install postgresql",
    ),
]


class Server:
    """An MLflow server that can be killed and started again.

    Args:
        database: Address of its database.
        folder: Where it keeps artifacts.
    """

    def __init__(self, database: str, folder: Path):
        self.port = free_port()
        self.database, self.folder = database, folder
        self.start()

    @property
    def uri(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Starts it and waits until it answers."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "server", "--port", str(self.port)]
            + ["--workers", "1", "--backend-store-uri", self.database]
            + ["--artifacts-destination", str(self.folder / "artifacts")],
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        answers(f"{self.uri}/health", self.process)

    def kill(self) -> None:
        """Kills it and its workers."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """An MLflow server on PostgreSQL."""
    code = "import os; print(os.environ['POSTGRES_URI'], flush=True); input()"
    with subprocess.Popen(
        [str(ROOT / "scripts/postgres"), sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as postgres:
        assert postgres.stdout
        assert postgres.stdin
        database = postgres.stdout.readline().strip()
        assert database.startswith("postgresql://")
        # The driver by name: SQLAlchemy 2.1 takes another one by default.
        database = database.replace("postgresql:", "postgresql+psycopg2:")
        server = Server(database, tmp_path_factory.mktemp("server"))
        yield server
        server.kill()
        postgres.stdin.write("\n")
        postgres.stdin.flush()


def runs(server: Server, experiment: str, kind: str = "train") -> list[Run]:
    """Returns the tracked runs of a kind, the oldest first."""
    client = mlflow.MlflowClient(server.uri)
    found = client.get_experiment_by_name(experiment)
    return client.search_runs(
        [found.experiment_id],
        f"tags.`cfexp.kind` = '{kind}'",
        order_by=["attributes.start_time"],
    )


def test_everything_works_on_a_server(workdir: Path, server: Server) -> None:
    """A parallel sweep, reuse, reproduction and comparison; artifacts by HTTP."""
    where = ["tracking=server", f"tracking.uri={server.uri}"]
    where += ["tracking.experiment=whole"]
    sweep = ["-m", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2"]
    done = process(*sweep, *FITTED, "model=dot,bias", *where, cwd=workdir)
    assert done.returncode == 0, done.stderr
    assert [run.info.status for run in runs(server, "whole")] == ["FINISHED"] * 2
    (parent,) = runs(server, "whole", "sweep")
    assert parent.info.status == "FINISHED"
    shutil.rmtree(workdir / "multirun")  # only the server knows now
    done = cfexp("mode=evaluate", "run_id=best", *where, cwd=workdir)
    assert done.returncode == 0, done.stderr
    assert "│ all" in done.stdout
    run = next(r for r in runs(server, "whole") if r.data.tags["cfexp.model"] == "bias")
    done = cfexp("reproduce", run.info.run_id, *where, cwd=workdir)
    assert done.returncode == 0, done.stderr
    assert "0 of" in done.stdout
    compare = ["compare", "--sweep", "latest", *where]
    done = cfexp(*compare, cwd=workdir)
    assert done.returncode == 0, done.stderr
    assert not (workdir / "mlflow.db").exists()
    assert not (workdir / "mlruns").exists()


def test_server_that_dies_loses_nothing(
    workdir: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run ends well, can be used from its folder, and is pushed later."""
    where = ["tracking=server", f"tracking.uri={server.uri}"]
    where += ["tracking.experiment=dying", "tracking.register_as=films"]
    long = [*TINY, "model=dot", "embed_dim=4", "training.patience=null"]
    long += ["training.epochs=200", "training.checkpoint_every=50"]
    save = checkpoint.save

    def save_and_kill(path: Path, state: checkpoint.State) -> None:
        save(path, state)
        if len(state.epochs) == 50:
            server.kill()

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "save", save_and_kill)
        done = ok(cfexp(*long, *where, "hydra.run.dir=lost", cwd=workdir))
    assert "Traceback" not in done.stderr
    assert "Nothing is lost" in done.stderr
    assert f"cfexp sync {workdir / 'lost'}" in done.stderr
    saved = ["mode=evaluate", "run_id=lost", "tracking=none"]
    assert "│ all" in cfexp(*saved, cwd=workdir).stdout
    # As long as the server is away, sync says so, and what it would have pushed stays.
    failed = cfexp("sync", "lost", cwd=workdir)
    assert failed.returncode == 1
    assert "cannot use tracking.uri" in failed.stderr
    # Another server may take it, under a new id.
    shutil.copytree(workdir / "lost", workdir / "copy")
    done = cfexp("sync", "copy", "--uri", "sqlite:///here.db", cwd=workdir)
    assert done.returncode == 0, done.stderr
    here = mlflow.MlflowClient(f"sqlite:///{workdir / 'here.db'}")
    (run,) = here.search_runs(["1"])
    assert run.info.status == "FINISHED"
    assert len(here.get_metric_history(run.info.run_id, "epoch/val_rmse")) == 200
    server.start()
    (left,) = runs(server, "dying")
    assert left.info.status == "RUNNING"
    done = cfexp("sync", "lost", cwd=workdir)
    assert done.returncode == 0, done.stderr
    (run,) = runs(server, "dying")
    assert run.info.run_id == left.info.run_id
    assert run.info.run_id in done.stdout
    assert run.info.status == "FINISHED"
    assert run.data.params["model.name"] == "dot"
    assert run.data.metrics["test_rmse"] > 0
    client = mlflow.MlflowClient(server.uri)
    history = client.get_metric_history(run.info.run_id, "epoch/val_rmse")
    assert [m.step for m in history] == list(range(1, 201))
    files = {file.path for file in client.list_artifacts(run.info.run_id)}
    assert {"config.yaml", "test_predictions.parquet", "plots"} <= files
    assert client.get_model_version("films", "1").run_id == run.info.run_id
    again = cfexp("mode=evaluate", "run_id=models:/films/1", *where[:2], cwd=workdir)
    assert again.returncode == 0, again.stderr
    nothing = cfexp("sync", "lost", cwd=workdir)
    assert nothing.returncode == 1
    assert "no run to push" in nothing.stderr
