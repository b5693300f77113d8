"""Jobs in other processes, and what a launcher needs."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from helpers import ROOT, TINY, cfexp, process, skipped
from omegaconf import OmegaConf
from tracked import check_job, runs

from cfexp.runs.launchers import threads_for_each


@pytest.fixture
def ray_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A local Ray cluster of two worker processes, started in another folder."""
    pytest.importorskip("hydra_plugins.hydra_ray_launcher", reason="no cfexp[ray]")
    ray = str(Path(sys.executable).parent / "ray")
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    command = [ray, "start", "--head", "--num-cpus=2", "--port=0", "--block"]
    with subprocess.Popen(
        [*command, "--include-dashboard=false"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=elsewhere,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as cluster:
        assert cluster.stdout
        assert any("runtime started" in line for line in cluster.stdout)
        yield "auto"
        assert not list(elsewhere.iterdir())  # jobs go to the sweep's own folder
        cluster.terminate()  # which ends all its processes


MINE = """
import os
from cfexp.models import Bias

class Mine(Bias):
    name = "bias"

    def fit(self, train, features):
        with open("threads", "a") as file:
            print(os.environ["TF_NUM_INTRAOP_THREADS"], file=file)
        return super().fit(train, features)
"""


@pytest.mark.long
@pytest.mark.slow
def test_parallel_jobs_lose_nothing(workdir: Path) -> None:
    """All at once on one fresh SQLite file, each with its part of the threads.

    Two of them fail.
    """
    (workdir / "mine.py").write_text(MINE)
    options = ["hydra/launcher=joblib", "hydra.launcher.n_jobs=4"]
    options += ["split.test_size=0.2,1e-6", "model._target_=mine.Mine"]
    env = {"PYTHONPATH": f"{ROOT}{os.pathsep}{workdir}"}
    check_parallel(workdir, options, env, failing=2)
    assert not list(workdir.rglob("overview.png"))  # few jobs are looked at
    # Before TensorFlow is imported, which reads it then.
    share = str(max(1, (os.cpu_count() or 1) // 4))
    assert set((workdir / "threads").read_text().split()) == {share}


@pytest.mark.long
@pytest.mark.slow
def test_jobs_of_submitit(workdir: Path) -> None:
    """As on Slurm."""
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher")
    check_parallel(workdir, ["hydra/launcher=submitit_local"], {})


@pytest.mark.long
@pytest.mark.slow
def test_jobs_on_a_ray_cluster(workdir: Path, ray_cluster: str) -> None:
    options = ["hydra/launcher=ray", f"hydra.launcher.ray.init.address={ray_cluster}"]
    check_parallel(workdir, options, {})


def check_parallel(
    workdir: Path, options: list[str], env: dict[str, str], failing: int = 0
) -> None:
    sweep = ["-m", "seed=0,1", "model=bias", *TINY, *options]
    done = process(*sweep, cwd=workdir, env=env)
    assert done.returncode == bool(failing), done.stderr
    assert "cannot log" not in done.stdout + done.stderr
    # The jobs print nothing themselves, each has one line.
    assert "%" not in done.stdout
    assert "[INFO]" not in done.stderr
    lines = re.findall(r"^\d+/\d+ +seed=(\d+) .* finished *$", done.stdout, re.M)
    assert sorted(lines) == ["0", "1"]
    (parent,) = runs(workdir, "sweep")
    assert parent.info.status == ("FAILED" if failing else "FINISHED")
    found = runs(workdir)
    failed = [run for run in found if run.info.status == "FAILED"]
    assert len(failed) == failing
    for run in failed:
        assert "no test rows" in run.data.tags["cfexp.error"]
    assert len(found) == 2 + failing
    for run in found:
        assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id
        assert Path(run.data.tags["cfexp.folder"]).is_relative_to(workdir / "multirun")
        if run not in failed:
            check_job(workdir, run, epochs=0)
    (board,) = workdir.glob("multirun/*/*/leaderboard.csv")
    status = pd.read_csv(board)["status"].tolist()
    assert status == ["finished"] * 2 + ["failed"] * failing
    # What starts the jobs does not matter to what they are.
    again = [option for option in sweep if "launcher" not in option]
    assert skipped(cfexp(*again, cwd=workdir)) == 2


@pytest.mark.parametrize(
    ("launcher", "threads"),
    [
        ({"n_jobs": 1}, os.cpu_count()),
        ({"n_jobs": -1}, 1),
        ({"n_jobs": -1000}, os.cpu_count()),
        ({"ray": {"remote": {"num_cpus": 3}}}, 3),
        ({"cpus_per_task": 4}, 4),
        ({"cpus_per_task": None}, 0),
        ({}, 0),
    ],
)
def test_threads_for_each(launcher: dict[str, object], threads: int) -> None:
    assert threads_for_each(OmegaConf.create(launcher)) == threads


def test_sweep_needs_its_launcher_and_its_server(workdir: Path) -> None:
    """Said before any job is started."""
    absent = "hydra_plugins.hydra_submitit_launcher.absent.LocalLauncher"
    joblib = ["hydra/launcher=joblib"]
    with_port = ["tracking=server", "tracking.uri=http://127.0.0.1:9"]
    for options, message in (
        (
            ["hydra/launcher=submitit_local", f"hydra.launcher._target_={absent}"],
            "cfexp[slurm]",
        ),
        (
            ["hydra/sweeper=optuna", "hydra.sweeper.sampler._target_=optuna.none.Tpe"],
            "cfexp[optuna]",
        ),
        (with_port, "cannot use tracking.uri=http://127.0.0.1:9"),
        ([*joblib, "hydra.launcher.n_jobs=0"], "hydra.launcher.n_jobs=0 is no number"),
        ([*joblib, "hydra.launcher.n_jobs=two"], "hydra.launcher.n_jobs=two is no"),
    ):
        done = cfexp("-m", *options, "model=bias", "seed=0,1", *TINY, cwd=workdir)
        assert done.returncode == 1
        (said,) = done.stderr.splitlines()
        assert said.startswith("cfexp: error: ")
        assert message in said
        assert not list(workdir.glob("multirun/*/*/*/results"))
