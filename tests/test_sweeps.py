"""Sweeps that survive: killed and issued again, in parallel, over folds and seeds."""

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from conftest import ROOT, TINY, cfexp
from mlflow.entities import Run
from omegaconf import OmegaConf

from cfexp.runs.launchers import threads_for_each
from cfexp.runtime.locks import held, is_free

JOB = [*TINY, "model=dot", "embed_dim=4", "training=quick"]


def client(folder: Path) -> mlflow.MlflowClient:
    """Returns a client of the tracking database of a working directory."""
    return mlflow.MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")


def runs(folder: Path, kind: str = "train") -> list[Run]:
    """Returns the tracked runs of a kind, the oldest first."""
    return client(folder).search_runs(
        ["1"], f"tags.`cfexp.kind` = '{kind}'", order_by=["attributes.start_time"]
    )


def check_job(folder: Path, run: Run, epochs: int) -> None:
    """Checks that nothing of a finished run is missing."""
    assert run.info.status == "FINISHED"
    assert run.data.params["model.name"] == ("dot" if epochs else "bias")
    assert np.isfinite(run.data.metrics["test_rmse"])
    for name in ("epoch/val_rmse", "epoch/train_loss"):
        history = client(folder).get_metric_history(run.info.run_id, name)
        assert {m.step for m in history} == set(range(1, epochs + 1))
    there = {f.path for f in client(folder).list_artifacts(run.info.run_id)}
    assert {"config.yaml", "metrics.json", "test_predictions.parquet"} <= there
    assert len(run.inputs.dataset_inputs) == 2
    assert run.outputs.model_outputs


def test_same_sweep_again_trains_nothing(workdir: Path) -> None:
    sweep = ["-m", "seed=0,1", *JOB]
    assert cfexp(*sweep, cwd=workdir).returncode == 0
    before = {run.info.run_id: run.info.end_time for run in runs(workdir)}
    assert len(before) == 2
    code = (
        "import sys; from cfexp.cli import run_cli\n"
        "assert run_cli() == 0\n"
        "assert 'tensorflow' not in sys.modules"
    )
    again = cfexp(*sweep, cwd=workdir, command=(sys.executable, "-c", code))
    assert again.returncode == 0, again.stderr
    assert again.stderr.count("has done this job") == 2
    assert "going on with sweep" in again.stderr
    assert {run.info.run_id: run.info.end_time for run in runs(workdir)} == before
    (parent,) = runs(workdir, "sweep")
    assert parent.info.status == "FINISHED"
    boards = sorted(workdir.glob("multirun/*/*/leaderboard.csv"))
    first, second = (pd.read_csv(b).set_index("job") for b in boards)
    assert set(second["status"]) == {"finished before"}
    assert first["val_rmse"].to_dict() == pytest.approx(second["val_rmse"].to_dict())


def test_only_the_same_job_is_skipped(workdir: Path) -> None:
    """One more seed trains one more; other data, all; rerun, all, anew."""
    sweep = ["-m", "model=bias", *TINY]
    assert cfexp("seed=1", *sweep[1:], cwd=workdir).returncode == 0
    wider = cfexp(*sweep, "seed=0,1", cwd=workdir)
    assert wider.stderr.count("has done this job") == 1
    assert len(runs(workdir)) == 2
    (parent,) = runs(workdir, "sweep")
    assert sum(tag.startswith("cfexp.includes.") for tag in parent.data.tags) == 1
    other = cfexp(*sweep, "seed=0,1", "dataset.data_seed=1", cwd=workdir)
    assert "has done this job" not in other.stderr
    again = cfexp(*sweep, "seed=0,1", "rerun=true", cwd=workdir)
    assert "has done this job" not in again.stderr
    assert len(runs(workdir)) == 6
    assert len(runs(workdir, "sweep")) == 3
    # compare takes what the first sweep made use of for its own.
    done = cfexp("compare", "--sweep", parent.info.run_id, "--force", cwd=workdir)
    assert "only one configuration" in done.stderr


def test_failed_job_is_started_again(workdir: Path) -> None:
    """What stood in its way is gone; the finished job beside it is kept."""
    (workdir / "r.csv").write_text("userId,movieId,rating\n1,1,9\n1,1,8\n")
    sweep = ["-m", "dataset=csv", "dataset.ratings=r.csv", "model=mean,bias"]
    assert cfexp(*sweep, cwd=workdir).returncode == 1
    assert [run.info.status for run in runs(workdir)] == ["FAILED", "FAILED"]
    assert [p.info.status for p in runs(workdir, "sweep")] == ["FAILED"]
    rows = "".join(f"{i},{j},{1 + (i * j) % 5}\n" for i in range(30) for j in range(9))
    (workdir / "r.csv").write_text("userId,movieId,rating\n" + rows)
    done = cfexp(*sweep, cwd=workdir)
    assert done.returncode == 0, done.stderr
    assert [p.info.status for p in runs(workdir, "sweep")] == ["FINISHED"]
    statuses = [run.info.status for run in runs(workdir)]
    assert sorted(statuses) == ["FAILED", "FAILED", "FINISHED", "FINISHED"]


def test_sweep_in_any_folder(workdir: Path) -> None:
    """Also one whose job fails before it has a run."""
    folder = workdir / "bob's dir [1] {a}, %d = \\"
    folder.mkdir()
    done = cfexp("-m", *TINY, "model=bias", "dataset.noise=-1,1", cwd=folder)
    assert done.returncode == 1
    assert done.stderr.count("dataset.noise must be >= 0") == 2
    assert {run.info.status for run in runs(folder)} == {"FINISHED", "FAILED"}
    failed = next(r for r in runs(folder) if r.info.status == "FAILED")
    assert "dataset.noise must be >= 0" in failed.data.tags["cfexp.error"]
    assert len(runs(folder)) == 2


def test_sweep_killed_at_random_finishes_every_job_once(workdir: Path) -> None:
    """kill -9 at any moment, then the same command, until it ends by itself."""
    epochs = 60
    sweep = ["-m", "seed=0,1,2", *TINY, "model=dot", "embed_dim=4"]
    sweep += [f"training.epochs={epochs}", "training.patience=null"]
    sweep += ["training.checkpoint_every=1", "deterministic=true"]
    moments = random.Random(int(os.environ.get("CFEXP_KILL_SEED", time.time())))
    kills = 0
    while True:
        process = subprocess.Popen(
            [sys.executable, "-m", "cfexp", *sweep],
            cwd=workdir,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            limit = moments.uniform(0.5, 9) if kills < 6 else 240
            process.wait(timeout=limit)
            break
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            kills += 1
    assert process.returncode == 0
    finished = runs(workdir)
    assert len(finished) == 3, [(r.info.status, r.data.tags) for r in finished]
    keys = {run.data.tags["cfexp.job_key"] for run in finished}
    assert len(keys) == 3
    for run in finished:
        check_job(workdir, run, epochs)
    (parent,) = runs(workdir, "sweep")
    assert parent.info.status == "FINISHED"
    assert not list(workdir.glob("checkpoints/*.npz"))
    assert not list(workdir.glob("checkpoints/*.lock"))
    # As if it had never been killed.
    whole = cfexp(*sweep, "tracking=none", "hydra.sweep.dir=whole", cwd=workdir)
    assert whole.returncode == 0, whole.stderr
    for run in finished:
        path = workdir / "whole" / run.data.params["seed"] / "results/metrics.json"
        expected = json.loads(path.read_text())
        for name in ("val_rmse", "test_rmse", "test_mae", "best_epoch"):
            assert run.data.metrics[name] == pytest.approx(expected[name], abs=1e-6)


def test_damaged_checkpoint_starts_its_job_anew(workdir: Path) -> None:
    """Killed, its checkpoint cut in half, and issued again: on the same run."""
    code = (
        "import os, signal\n"
        "from cfexp.training import checkpoint\n"
        "save = checkpoint.save\n"
        "def save_and_die(path, state):\n"
        "    save(path, state)\n"
        "    path.write_bytes(path.read_bytes()[:1000])\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "checkpoint.save = save_and_die\n"
        "from cfexp.cli import run_cli; run_cli()"
    )
    sweep = ["-m", "seed=0", *JOB, "training.checkpoint_every=1"]
    killed = cfexp(*sweep, cwd=workdir, command=(sys.executable, "-c", code))
    assert killed.returncode == -9, killed.stderr
    (left,) = runs(workdir)
    done = cfexp(*sweep, cwd=workdir)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("is damaged") == 1
    assert "starting this job anew" in done.stderr
    (run,) = runs(workdir)
    assert run.info.run_id == left.info.run_id
    check_job(workdir, run, epochs=2)
    assert not list((workdir / "checkpoints").iterdir())


def test_lock_is_let_go_by_a_dead_process(tmp_path: Path) -> None:
    path = tmp_path / "job.lock"
    code = (
        "import sys, time; from pathlib import Path; from cfexp.runs.job import held\n"
        "with held(Path(sys.argv[1]), wait=True):\n"
        "    print('held', flush=True); time.sleep(100)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(path)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "held\n"
    with held(path, wait=False) as mine:
        assert not mine
    assert not is_free(path)
    process.kill()
    process.communicate()
    with held(path, wait=True) as mine:
        assert mine
    assert not path.exists()


@pytest.fixture
def ray_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A local Ray cluster of two worker processes, started in another folder."""
    pytest.importorskip("hydra_plugins.hydra_ray_launcher", reason="no cfexp[ray]")
    ray = str(Path(sys.executable).parent / "ray")
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    command = [ray, "start", "--head", "--num-cpus=2", "--port=0"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run(
        [*command, "--include-dashboard=false"],
        check=True,
        capture_output=True,
        cwd=elsewhere,
        env=env,
        timeout=120,
    )
    yield "auto"
    assert not list(elsewhere.iterdir())  # jobs go to the sweep's own folder
    subprocess.run([ray, "stop", "--force"], capture_output=True, timeout=60)


@pytest.mark.parametrize("launcher", ["joblib", "submitit_local"])
def test_parallel_jobs_lose_nothing(workdir: Path, launcher: str) -> None:
    """Eight at once on one fresh SQLite file, by joblib; by submitit as on Slurm."""
    plugin = launcher.partition("_")[0]
    pytest.importorskip(f"hydra_plugins.hydra_{plugin}_launcher")
    options = [f"hydra/launcher={launcher}"]
    if launcher == "joblib":
        options += ["hydra.launcher.n_jobs=8", "model=bias"]
        check_parallel(workdir, options, range(8), epochs=0)
    else:
        check_parallel(workdir, options, range(2))


def test_jobs_on_a_ray_cluster(workdir: Path, ray_cluster: str) -> None:
    options = ["hydra/launcher=ray", f"hydra.launcher.ray.init.address={ray_cluster}"]
    check_parallel(workdir, options, range(2))


def check_parallel(
    workdir: Path, options: list[str], seeds: range, epochs: int = 2
) -> None:
    listed = ",".join(map(str, seeds))
    sweep = ["-m", f"seed={listed}", *(JOB if epochs else TINY), *options]
    done = cfexp(*sweep, cwd=workdir)
    assert done.returncode == 0, done.stderr
    assert "did not take" not in done.stdout + done.stderr
    (parent,) = runs(workdir, "sweep")
    assert parent.info.status == "FINISHED"
    found = runs(workdir)
    assert {run.data.params["seed"] for run in found} == set(map(str, seeds))
    assert len(found) == len(seeds)
    for run in found:
        check_job(workdir, run, epochs)
        assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id
        assert Path(run.data.tags["cfexp.folder"]).is_relative_to(workdir / "multirun")
    (board,) = workdir.glob("multirun/*/*/leaderboard.csv")
    assert (pd.read_csv(board)["status"] == "finished").all()
    again = cfexp(*sweep, cwd=workdir)
    assert again.returncode == 0, again.stderr
    assert len(runs(workdir)) == len(seeds)


def test_parallel_jobs_share_the_processors(workdir: Path) -> None:
    """Each has its part of the threads, before TensorFlow is imported."""
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    (workdir / "mine.py").write_text(
        "import os\n"
        "from cfexp.models.bias import Mean\n"
        "class Mine(Mean):\n"
        "    def fit(self, train, features):\n"
        "        with open('threads', 'a') as file:\n"
        "            print(os.environ['TF_NUM_INTRAOP_THREADS'], file=file)\n"
        "        return super().fit(train, features)\n"
    )
    done = cfexp(
        *("-m", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2", "seed=0,1"),
        *("model=mean", "model._target_=mine.Mine", *TINY),
        cwd=workdir,
        env={"PYTHONPATH": f"{ROOT}{os.pathsep}{workdir}"},
    )
    assert done.returncode == 0, done.stderr
    share = str(max(1, (os.cpu_count() or 1) // 2))
    assert set((workdir / "threads").read_text().split()) == {share}


@pytest.mark.parametrize(
    ("launcher", "threads"),
    [
        ({"n_jobs": 1}, os.cpu_count()),
        ({"n_jobs": -1}, 1),
        ({"ray": {"remote": {"num_cpus": 3}}}, 3),
        ({"cpus_per_task": 4}, 4),
        ({"cpus_per_task": None}, 0),
        ({}, 0),
    ],
)
def test_threads_for_each(launcher: dict[str, object], threads: int) -> None:
    assert threads_for_each(OmegaConf.create(launcher)) == threads


def test_failure_in_a_parallel_job(workdir: Path) -> None:
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    done = cfexp(
        *("-m", "hydra/launcher=joblib", "seed=0,-1", "model=bias", *TINY), cwd=workdir
    )
    assert done.returncode == 1
    assert "cfexp: error: seed must be >= 0" in done.stderr
    assert [p.info.status for p in runs(workdir, "sweep")] == ["FAILED"]
    failed = [run for run in runs(workdir) if run.info.status == "FAILED"]
    assert len(failed) == 1
    assert "seed must be" in failed[0].data.tags["cfexp.error"]


def test_sweep_needs_its_launcher_and_its_server(workdir: Path) -> None:
    """Said before any job is started."""
    absent = "hydra_plugins.hydra_joblib_launcher.absent.JoblibLauncher"
    with_port = ["tracking=server", "tracking.uri=http://127.0.0.1:9"]
    for options, message in (
        (
            ["hydra/launcher=joblib", f"hydra.launcher._target_={absent}"],
            "cfexp[joblib]",
        ),
        (with_port, "cannot use tracking.uri=http://127.0.0.1:9"),
    ):
        done = cfexp("-m", *options, "model=bias", "seed=0,1", *TINY, cwd=workdir)
        assert done.returncode == 1
        (said,) = done.stderr.splitlines()
        assert said.startswith("cfexp: error: ")
        assert message in said
        assert not list(workdir.glob("multirun/*/*/*/results"))


def test_optuna_searches(workdir: Path) -> None:
    pytest.importorskip("hydra_plugins.hydra_optuna_sweeper")
    search = ["-m", "hydra/sweeper=optuna", "hydra.sweeper.n_trials=3", *JOB]
    search += ["model.l2=interval(0.01,0.5)"]
    done = cfexp(*search, cwd=workdir)
    assert done.returncode == 0, done.stderr
    assert len({run.data.params["model.l2"] for run in runs(workdir)}) == 3
    (found,) = workdir.glob("multirun/*/*/optimization_results.yaml")
    best = min(run.data.metrics["val_rmse"] for run in runs(workdir))
    assert f"best_value: {best}" in found.read_text()
    again = cfexp(*search, cwd=workdir)
    assert again.stderr.count("has done this job") == 3


def test_folds_are_one_result(workdir: Path) -> None:
    """Under a parent with means and intervals; finished folds are kept."""
    one = ["model=bias", "split=kfold", "split.folds=3", "split.fold=1", *TINY]
    assert cfexp(*one, cwd=workdir).returncode == 0
    command = ["model=bias", "cv=3", *TINY]
    done = cfexp(*command, "hydra.run.dir=cv", cwd=workdir)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("has done this job") == 1
    (parent,) = runs(workdir, "cv")
    assert parent.info.status == "FINISHED"
    folds = sorted(runs(workdir), key=lambda run: run.data.params["split.fold"])
    assert [run.data.params["split.fold"] for run in folds] == ["0", "1", "2"]
    assert all(run.data.params["split.folds"] == "3" for run in folds)
    values = [run.data.metrics["test_rmse"] for run in folds]
    found = parent.data.metrics
    assert found["test_rmse"] == pytest.approx(np.mean(values))
    assert found["test_rmse_std"] == pytest.approx(np.std(values, ddof=1))
    assert found["test_rmse_low"] < found["test_rmse"] < found["test_rmse_high"]
    said = parent.data.tags["cfexp.test_interval"]
    assert said.startswith("other training and test rows: corrected resampled t")
    assert parent.data.params["model.name"] == "bias"
    assert "split.fold" not in parent.data.params
    # Each test row in one fold only, and all of them.
    rows = pd.concat(
        [
            pd.read_parquet(
                Path(run.data.tags["cfexp.folder"]) / "results/test_predictions.parquet"
            )
            for run in folds
        ]
    )
    assert len(rows) == 3000
    assert not rows.duplicated(["userId", "movieId"]).any()
    again = cfexp(*command, cwd=workdir)
    assert again.stderr.count("has done this job") == 3
    assert len(runs(workdir, "cv")) == 1


def test_sweep_of_folds_and_seeds(workdir: Path) -> None:
    """Each job of the sweep is a parent of its own; its objective is the mean."""
    sweep = ["-m", "model=mean,bias", "cv=2", "seeds=2", *TINY]
    done = cfexp(*sweep, "hydra.sweep.dir=all", cwd=workdir)
    assert done.returncode == 0, done.stderr
    groups = runs(workdir, "cv")
    assert len(groups) == 2
    assert len(runs(workdir)) == 8
    assert {run.data.params["seed"] for run in runs(workdir)} == {"0", "1"}
    board = pd.read_csv(workdir / "all/leaderboard.csv")
    assert board["val_rmse"].tolist() == pytest.approx(
        sorted(group.data.metrics["val_rmse"] for group in groups)
    )
    table = cfexp("compare", "--sweep", "latest", cwd=workdir)
    assert table.returncode == 0, table.stderr
    assert (pd.read_csv(workdir / "compare/compare.csv")["runs"] == 4).all()


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["cv=1"], "cv must be >= 2"),
        (["cv=2", "split=temporal"], "cv=2 needs folds, but this split has none"),
        (["cv=6", "split=official"], "split=official has 5 folds"),
        (["cv=2", "tracking.register_as=x"], "register_as=x names one model"),
    ],
)
def test_bad_repeats(workdir: Path, overrides: list[str], message: str) -> None:
    done = cfexp("model=bias", *TINY, *overrides, cwd=workdir)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("cfexp: error: ")
    assert message in done.stderr
