"""Sweeps that are killed, and issued again."""

import json
import os
import random
import shlex
import signal
import time
from pathlib import Path

import pytest
from helpers import FITTED, TINY, cfexp, python
from tracked import check_job, runs

pytestmark = [pytest.mark.slow, pytest.mark.long]


def test_stopped_sweep_is_killed(workdir: Path) -> None:
    """A process that is told to stop while its first job trains."""
    code = (
        "import os, signal\n"
        "from cfexp.training import checkpoint\n"
        "save = checkpoint.save\n"
        "def save_and_stop(path, state):\n"
        "    save(path, state)\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "checkpoint.save = save_and_stop\n"
        "from cfexp.cli import main; main()"
    )
    sweep = ["-m", "seed=0,1", *FITTED, "training.checkpoint_every=1"]
    stopped = python(code, *sweep, cwd=workdir)
    assert stopped.returncode == 143, stopped.stderr
    *_, said, where, how = stopped.stderr.splitlines()
    assert said == "cfexp: stopped"
    assert where == (
        "cfexp: 0 of 2 jobs are finished, job 1/2 (seed=0) was after epoch 1 of 2"
    )
    command = shlex.join(["cfexp", *sweep])
    assert how == f"cfexp: go on, without what is finished: {command}"
    assert "stopped" in stopped.stdout
    assert [r.info.status for r in runs(workdir, "sweep")] == ["KILLED"]
    assert [r.info.status for r in runs(workdir)] == ["KILLED"]


# The kernel ends it as kill -9 does: nothing of it runs any more.
DIES_AFTER = """
import signal, sys
signal.setitimer(signal.ITIMER_PROF, float(sys.argv.pop(1)))
from cfexp.cli import main
main()
"""


def test_sweep_killed_at_random_finishes_every_job_once(workdir: Path) -> None:
    """Killed at any moment, then the same command, until it ends by itself."""
    epochs = 40
    sweep = ["-m", "seed=0,1", *TINY, "model=dot", "embed_dim=4"]
    sweep += [f"training.epochs={epochs}", "training.patience=null"]
    sweep += ["training.checkpoint_every=1", "deterministic=true"]
    seed = int(os.environ.get("CFEXP_KILL_SEED", time.time()))
    moments = random.Random(seed)
    for _ in range(2):
        # Of processor time, so that it does not matter what else the machine does.
        killed = python(DIES_AFTER, f"{moments.uniform(0.5, 8)}", *sweep, cwd=workdir)
        if killed.returncode != -signal.SIGPROF:
            break
    done = killed if killed.returncode == 0 else cfexp(*sweep, cwd=workdir)
    assert done.returncode == 0, (seed, done.stderr)
    finished = runs(workdir)
    assert len(finished) == 2, [(r.info.status, r.data.tags) for r in finished]
    keys = {run.data.tags["cfexp.job_key"] for run in finished}
    assert len(keys) == 2
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
    sweep = ["-m", "seed=0", *FITTED, "training.checkpoint_every=1"]
    killed = python(code, *sweep, cwd=workdir)
    assert killed.returncode == -9, killed.stderr
    (left,) = runs(workdir)
    done = cfexp(*sweep, cwd=workdir)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("is damaged") == 1
    assert "starting this job again" in done.stderr
    (run,) = runs(workdir)
    assert run.info.run_id == left.info.run_id
    check_job(workdir, run, epochs=2)
    assert not list((workdir / "checkpoints").iterdir())
