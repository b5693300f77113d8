"""Whole runs, in processes of their own: kept, resumed, repeated, tracked, swept."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from conftest import ROOT, SMALL, TINY, cfexp, synthetic
from mlflow.entities import Run

from cfexp.models.predictor import Predictor
from cfexp.runs.leaderboard import means_over_repeats

FITTED = [*TINY, "model=dot", "embed_dim=4", "training=quick"]


def start(*arguments: str, cwd: Path) -> subprocess.Popen[str]:
    """Starts the command line and returns at once."""
    return subprocess.Popen(
        [sys.executable, "-m", "cfexp", *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(what: Callable[[], object], *, seconds: float = 60) -> None:
    """Waits until `what` is true."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def runs(folder: Path, kind: str = "train") -> list[Run]:
    """Returns the tracked runs of a kind, the oldest first."""
    client = mlflow.MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("cfexp")
    return client.search_runs(
        [experiment.experiment_id],
        f"tags.`cfexp.kind` = '{kind}'",
        order_by=["attributes.start_time"],
    )


def ok(done: subprocess.CompletedProcess[str]) -> subprocess.CompletedProcess[str]:
    """Checks that a run succeeded."""
    assert done.returncode == 0, done.stderr
    return done


def weights(folder: Path) -> list[np.ndarray]:
    """Returns the trained weights of a saved model."""
    scorer = Predictor.load(folder / "model").scorer
    return [v.numpy() for v in scorer.model.trainable_variables]  # type: ignore[attr-defined]


def metrics_of(folder: Path) -> dict[str, float]:
    """Returns the metrics of a finished run that do not tell the time."""
    found = json.loads((folder / "results" / "metrics.json").read_text())
    return {
        name: value
        for name, value in found.items()
        if not name.startswith("seconds_") and name != "ratings_per_second"
    }


def test_same_command_same_metrics(workdir: Path) -> None:
    """To the last bit, weights included, where it is asked for."""
    for name in ("one", "two"):
        arguments = ["model=deep", "embed_dim=4", "deterministic=true", *SMALL]
        ok(cfexp(*arguments, f"hydra.run.dir={name}", cwd=workdir))
    one, two = metrics_of(workdir / "one"), metrics_of(workdir / "two")
    assert one == pytest.approx(two, abs=1e-5, nan_ok=True)
    pairs = zip(weights(workdir / "one"), weights(workdir / "two"), strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs)


def test_compiled_programs_are_kept(workdir: Path) -> None:
    """For the next process; one that is damaged is compiled anew."""
    env = {"TF_XLA_FLAGS": ""}
    arguments = ["model=ncf", "embed_dim=4", *SMALL]

    def metrics(name: str) -> dict[str, float]:
        done = ok(cfexp(*arguments, f"hydra.run.dir={name}", cwd=workdir, env=env))
        assert ("compiling anew" in done.stderr) == (name == "damaged")
        return metrics_of(workdir / name)

    first = metrics("first")
    programs = list((workdir / "cache").glob("xla-*/*.pb"))
    assert programs
    written = [program.stat().st_mtime_ns for program in programs]
    assert metrics("kept") == pytest.approx(first, nan_ok=True)
    assert [program.stat().st_mtime_ns for program in programs] == written
    for program in programs:
        program.write_bytes(program.read_bytes()[:1000])
    assert metrics("damaged") == pytest.approx(first, nan_ok=True)
    assert "cannot be read" in (workdir / "damaged/cfexp.log").read_text()


def test_tracked_run_is_complete(workdir: Path) -> None:
    done = ok(cfexp(*FITTED, "tracking.register_as=films", cwd=workdir))
    (run,) = runs(workdir)
    assert run.info.status == "FINISHED"
    assert run.info.run_id in done.stdout
    assert run.data.params["model.embed_dim"] == "4"
    for name in ("test_rmse", "test_mae", "val_rmse", "val_mae", "train_loss"):
        assert np.isfinite(run.data.metrics[name])
    assert run.data.metrics["reload_max_abs_diff"] < 1e-4
    assert run.data.tags["cfexp.data_sha256"]
    assert {i.dataset.name for i in run.inputs.dataset_inputs} == {
        "synthetic",
        "synthetic RandomHoldout",
    }
    client = mlflow.MlflowClient(f"sqlite:///{workdir / 'mlflow.db'}")
    steps = client.get_metric_history(run.info.run_id, "epoch/val_rmse")
    assert [m.step for m in steps] == [1, 2]
    there = {f.path for f in client.list_artifacts(run.info.run_id)}
    assert {"config.yaml", "test_predictions.parquet", "plots"} <= there
    plots = {f.path for f in client.list_artifacts(run.info.run_id, "plots")}
    assert "plots/learning_curves.png" in plots
    for reference in ("models:/films/1", run.info.run_id):
        again = ok(cfexp("mode=evaluate", f"run_id={reference}", cwd=workdir))
        rmse = f"{run.data.metrics['test_rmse']:.4f}"
        assert rmse in again.stdout


def test_model_is_served_without_cfexp(workdir: Path) -> None:
    ok(cfexp(*FITTED, cwd=workdir))
    (artifact,) = workdir.glob("mlruns/**/MLmodel")
    assert not [*artifact.parent.rglob("*.pkl")]
    code = """
import importlib.util, sys
from pathlib import Path
sys.path[:] = [p for p in sys.path if not (Path(p) / "cfexp/__init__.py").exists()]
sys.meta_path[:] = [f for f in sys.meta_path if "editable" not in repr(f).lower()]
# An editable install leaves a folder of configs behind, which is no package.
assert getattr(importlib.util.find_spec("cfexp"), "origin", None) is None
import mlflow, pandas as pd
model = mlflow.pyfunc.load_model(sys.argv[1])
import cfexp
assert Path(cfexp.__file__).is_relative_to(sys.argv[1]), cfexp.__file__
pairs = pd.DataFrame({"userId": [1, 10**9], "movieId": [2, 10**9]})
pairs["genres"] = ["", "Drama"]
# What a logged model does not require, though it is installed here.
assert not {"pooch", "hydra", "sklearn.linear_model"} & sys.modules.keys()
print("RATINGS", *model.predict(pairs)["rating"])
"""
    done = cfexp(
        *("-c", code, str(artifact.parent)),
        cwd=workdir,
        env={"PYTHONPATH": ""},
        command=(sys.executable,),
    )
    ratings = ok(done).stdout.split("RATINGS ")[1].split()
    assert all(1 <= float(rating) <= 5 for rating in ratings)


def test_logging_the_model_starts_no_second_python(workdir: Path) -> None:
    code = """
import sys
started = []
def hook(event, arguments):
    if event in ("subprocess.Popen", "os.posix_spawn", "os.fork", "os.exec"):
        started.append(str(arguments[:2]))
sys.addaudithook(hook)
from cfexp.cli import run_cli
code = run_cli()
print("STARTED", [s for s in started if "python" in s], code)
"""
    done = cfexp(*FITTED, cwd=workdir, command=(sys.executable, "-c", code))
    assert "STARTED [] 0" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_stopped_and_resumed(workdir: Path, stop: signal.Signals) -> None:
    """A stopped run is KILLED; resumed, it ends as if it had never been stopped."""
    long = [*TINY, "model=dot", "embed_dim=4", "training.epochs=400"]
    long += ["training.patience=null", "training.checkpoint_every=1"]
    process = start(*long, cwd=workdir)
    wait_for(lambda: list(workdir.glob("checkpoints/*.npz")))
    process.send_signal(stop)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 128 + stop, stderr
    assert "cfexp: stopped" in stderr
    assert "Traceback" not in stderr
    (killed,) = runs(workdir)
    assert killed.info.status == "KILLED"
    resumed = [*long, "training.resume=true", "hydra.run.dir=resumed"]
    ok(cfexp(*resumed, cwd=workdir))
    (finished,) = runs(workdir)
    assert finished.info.run_id == killed.info.run_id
    assert finished.info.status == "FINISHED"
    assert not list(workdir.glob("checkpoints/*.npz"))
    ok(cfexp(*long, "tracking=none", "hydra.run.dir=whole", cwd=workdir))
    pairs = zip(weights(workdir / "resumed"), weights(workdir / "whole"), strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs)


def test_finetune_goes_on_from_the_trained_model(workdir: Path) -> None:
    ok(cfexp(*FITTED, "tracking=none", "hydra.run.dir=first", cwd=workdir))
    slow = ["optimizer.learning_rate=1e-9", "hydra.run.dir=second"]
    tuned = ["mode=finetune", "run_id=first", "training.epochs=1", "tracking=none"]
    ok(cfexp(*tuned, *slow, cwd=workdir))
    for a, b in zip(
        weights(workdir / "first"), weights(workdir / "second"), strict=True
    ):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_sweep_status_and_leaderboard(workdir: Path) -> None:
    """Each job is a child; the parent fails where a job failed, and says which won."""
    done = ok(cfexp("-m", "model=mean,bias", *TINY, cwd=workdir))
    assert "leaderboard, by val_rmse" in done.stdout
    (parent,) = runs(workdir, "sweep")
    assert parent.info.status == "FINISHED"
    assert parent.data.tags["cfexp.best_overrides"].startswith("model=bias")
    children = runs(workdir)
    assert [c.info.status for c in children] == ["FINISHED"] * 2
    assert {c.data.tags["mlflow.parentRunId"] for c in children} == {parent.info.run_id}
    client = mlflow.MlflowClient(f"sqlite:///{workdir / 'mlflow.db'}")
    assert "leaderboard.json" in [
        f.path for f in client.list_artifacts(parent.info.run_id)
    ]
    failed = cfexp("-m", "model=bias", "seed=2,-1", *TINY, cwd=workdir)
    assert failed.returncode == 1
    assert runs(workdir, "sweep")[1].info.status == "FAILED"
    assert [c.info.status for c in runs(workdir)[2:]] == ["FINISHED", "FAILED"]


def test_stopped_sweep_is_killed(workdir: Path) -> None:
    long = ["-m", "model=dot", "seed=0,1", *TINY, "training.epochs=400"]
    long += ["training.patience=null", "training.checkpoint_every=1"]
    process = start(*long, cwd=workdir)
    wait_for(lambda: list(workdir.glob("checkpoints/*.npz")))
    process.send_signal(signal.SIGTERM)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 143, stderr
    assert [r.info.status for r in runs(workdir, "sweep")] == ["KILLED"]
    assert [r.info.status for r in runs(workdir)] == ["KILLED"]


def test_every_experiment_runs(workdir: Path) -> None:
    """All of `conf/experiment`, in one sweep, on small data in ml-100k's format."""
    data = synthetic().load()
    folder = workdir / "ml-100k"
    folder.mkdir()
    genres = sorted({g for text in data.movies["genres"] for g in text.split("|") if g})
    (folder / "u.genre").write_text("".join(f"{g}|{i}\n" for i, g in enumerate(genres)))
    flags = data.movies["genres"].str.get_dummies()[genres].astype(int)
    films = data.movies[["movieId", "title"]].assign(date="", video="", url="")
    films.join(flags).to_csv(folder / "u.item", sep="|", header=False, index=False)
    tab = {"sep": "\t", "header": False, "index": False}
    data.frame.to_csv(folder / "u.data", **tab)
    data.frame.sample(500, random_state=0).to_csv(folder / "u1.test", **tab)
    other = workdir / "ml-latest-small"
    other.mkdir()
    data.frame.to_csv(other / "ratings.csv", index=False)
    data.movies[["movieId", "title", "genres"]].to_csv(
        other / "movies.csv", index=False
    )
    folder = ROOT / "conf/experiment"
    files = [file.relative_to(folder) for file in folder.rglob("*.yaml")]
    names = sorted(str(file.with_suffix("")) for file in files)
    names.remove("ml-100k/ensemble")
    common = ["training.epochs=1", "tracking=none"]
    done = cfexp(
        *("-m", f"experiment={','.join(names)}", "embed_dim=4"),
        *(*common, "hydra.sweep.dir=all"),
        cwd=workdir,
        env={"CFEXP_DATA_DIR": str(workdir)},
    )
    ok(done)
    board = pd.read_csv(workdir / "all" / "leaderboard.csv")
    assert len(board) == len(names)
    assert set(board["status"]) == {"finished"}
    members = [names.index(f"ml-100k/{model}") for model in ("dot", "fm")]
    runs = ",".join(f"all/{i}" for i in members)
    done = cfexp(
        *("experiment=ml-100k/ensemble", f"model.runs=[{runs}]", *common),
        cwd=workdir,
        env={"CFEXP_DATA_DIR": str(workdir)},
    )
    assert "member fm" in ok(done).stderr
    done = cfexp(
        *("experiment=ml-100k/dot", "search=dot", "model.l2=0.1,0.2"),
        *("optimizer.learning_rate=0.003", "hydra.sweep.dir=search", *common),
        cwd=workdir,
        env={"CFEXP_DATA_DIR": str(workdir)},
    )
    assert len(pd.read_csv(workdir / "search/leaderboard.csv")) == 2, done.stderr


def test_own_configs_are_added(workdir: Path) -> None:
    (workdir / "mine/model").mkdir(parents=True)
    (workdir / "mine/model/strong.yaml").write_text(
        "defaults: [bias, _self_]\nname: strong\nreg_user: 99.0\n"
    )
    done = cfexp("--config-dir", "mine", "model=strong", *SMALL, cwd=workdir)
    assert "model=strong" in ok(done).stdout


def test_tab_completion(workdir: Path) -> None:
    script = ok(cfexp("--shell-completion", "install=bash", cwd=workdir)).stdout
    assert "hydra_bash_completion" in script
    done = cfexp(
        *("--shell-completion", "query=bash"),
        cwd=workdir,
        env={"COMP_LINE": "cfexp model=", "COMP_POINT": "12"},
    )
    assert "model=ncf" in ok(done).stdout.split()


def test_means_over_repeats() -> None:
    board = pd.DataFrame(
        {
            "job": ["model=a seed=0", "model=a seed=1", "model=b seed=0", "model=a x"],
            "status": ["finished", "finished", "finished", "failed"],
            "val_rmse": [1.0, 2.0, 5.0, np.nan],
            "test_rmse": [2.0, 4.0, 5.0, np.nan],
            "test_mae": [1.0, 1.0, 5.0, np.nan],
        }
    )
    means = means_over_repeats(board)
    assert means["jobs"].tolist() == ["model=a"]
    assert means["n"].tolist() == [2]
    assert means["mean test_rmse"].tolist() == [3.0]
    assert means["std test_rmse"].tolist() == [pytest.approx(np.sqrt(2))]
