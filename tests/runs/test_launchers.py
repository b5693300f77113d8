"""Jobs in other processes, and what a launcher needs."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from helpers import FITTED, ROOT, TINY, cfexp, ok, process, skipped
from omegaconf import OmegaConf
from tracked import check_job, runs

from cfexp.runs.launchers import threads_for_each


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


@pytest.mark.slow
@pytest.mark.parametrize(
    ("launcher", "jobs"),
    [(["joblib", "hydra.launcher.n_jobs=4"], 4), (["submitit_local"], 2)],
    ids=["joblib", "submitit"],
)
def test_parallel_jobs_lose_nothing(
    workdir: Path, launcher: list[str], jobs: int
) -> None:
    """All at once on one fresh SQLite file; by submitit as on Slurm."""
    plugin = launcher[0].partition("_")[0]
    pytest.importorskip(f"hydra_plugins.hydra_{plugin}_launcher")
    name, *options = launcher
    options = [f"hydra/launcher={name}", *options, "model=bias"]
    check_parallel(workdir, options, range(jobs), epochs=0)


@pytest.mark.slow
def test_jobs_on_a_ray_cluster(workdir: Path, ray_cluster: str) -> None:
    options = ["hydra/launcher=ray", f"hydra.launcher.ray.init.address={ray_cluster}"]
    check_parallel(workdir, options, range(2))


def check_parallel(
    workdir: Path, options: list[str], seeds: range, epochs: int = 2
) -> None:
    listed = ",".join(map(str, seeds))
    sweep = ["-m", f"seed={listed}", *(FITTED if epochs else TINY), *options]
    done = ok(process(*sweep, cwd=workdir))
    assert "cannot log" not in done.stdout + done.stderr
    # The jobs print nothing themselves, each has one line.
    assert "%" not in done.stdout
    assert "[INFO]" not in done.stderr
    lines = re.findall(r"^\d+/\d+ +seed=(\d+) .* finished *$", done.stdout, re.M)
    assert sorted(map(int, lines)) == list(seeds)
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
    # What starts the jobs does not matter to what they are.
    again = [option for option in sweep if "launcher" not in option]
    assert skipped(ok(cfexp(*again, cwd=workdir))) == len(seeds)


@pytest.mark.slow
def test_share_and_failure_of_a_parallel_job(workdir: Path) -> None:
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
    done = process(
        *(
            "-m",
            "hydra/launcher=joblib",
            "hydra.launcher.n_jobs=2",
            "split.test_size=0.2,1e-6",
        ),
        *("model=mean", "model._target_=mine.Mine", *TINY),
        cwd=workdir,
        env={"PYTHONPATH": f"{ROOT}{os.pathsep}{workdir}"},
    )
    assert done.returncode == 1
    assert "no test rows" in done.stderr
    share = str(max(1, (os.cpu_count() or 1) // 2))
    assert set((workdir / "threads").read_text().split()) == {share}
    assert [p.info.status for p in runs(workdir, "sweep")] == ["FAILED"]
    failed = [run for run in runs(workdir) if run.info.status == "FAILED"]
    assert len(failed) == 1
    assert "no test rows" in failed[0].data.tags["cfexp.error"]


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


def test_sweep_needs_its_launcher_and_its_server(workdir: Path) -> None:
    """Said before any job is started."""
    absent = "hydra_plugins.hydra_joblib_launcher.absent.JoblibLauncher"
    with_port = ["tracking=server", "tracking.uri=http://127.0.0.1:9"]
    for options, message in (
        (
            ["hydra/launcher=joblib", f"hydra.launcher._target_={absent}"],
            "cfexp[joblib]",
        ),
        (
            ["hydra/sweeper=optuna", "hydra.sweeper.sampler._target_=optuna.none.Tpe"],
            "cfexp[optuna]",
        ),
        (with_port, "cannot use tracking.uri=http://127.0.0.1:9"),
    ):
        done = cfexp("-m", *options, "model=bias", "seed=0,1", *TINY, cwd=workdir)
        assert done.returncode == 1
        (said,) = done.stderr.splitlines()
        assert said.startswith("cfexp: error: ")
        assert message in said
        assert not list(workdir.glob("multirun/*/*/*/results"))
