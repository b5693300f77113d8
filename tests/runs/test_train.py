"""Whole runs: repeated, tracked, stopped and resumed."""

import os
import shlex
import signal
from pathlib import Path

import numpy as np
import pytest
from helpers import FITTED, SMALL, TINY, cfexp, ok, process
from tracked import client, metrics_of, runs, weights

from cfexp.training import checkpoint

pytestmark = pytest.mark.slow


def test_same_command_same_metrics(workdir: Path) -> None:
    """To the last bit, weights included, where it is asked for."""
    for name in ("one", "two"):
        arguments = ["model=deep", "embed_dim=4", "deterministic=true", *SMALL]
        ok(cfexp(*arguments, f"hydra.run.dir={name}", cwd=workdir))
    one, two = metrics_of(workdir / "one"), metrics_of(workdir / "two")
    assert one == pytest.approx(two, abs=1e-5, nan_ok=True)
    pairs = zip(weights(workdir / "one"), weights(workdir / "two"), strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs)


@pytest.mark.long
def test_compiled_programs_are_kept(workdir: Path) -> None:
    """For the next process; one that is damaged is compiled anew."""
    env = {"TF_XLA_FLAGS": ""}
    arguments = ["model=dot", "embed_dim=4", *SMALL, "tracking=local"]

    def metrics(name: str) -> dict[str, float]:
        done = ok(process(*arguments, f"hydra.run.dir={name}", cwd=workdir, env=env))
        assert ("compiling again" in done.stderr) == (name == "damaged")
        assert "INFO mlflow" not in done.stderr
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
    for name in ("test_rmse", "test_mae", "val_rmse", "val_mae", "training/loss"):
        assert np.isfinite(run.data.metrics[name])
    assert run.data.metrics["training/reload_max_abs_diff"] < 1e-4
    assert run.data.tags["cfexp.data_sha256"]
    assert {i.dataset.name for i in run.inputs.dataset_inputs} == {
        "synthetic",
        "synthetic random",
    }
    store = client(workdir)
    steps = store.get_metric_history(run.info.run_id, "epoch/val_rmse")
    assert [m.step for m in steps] == [1, 2]
    there = {f.path for f in store.list_artifacts(run.info.run_id)}
    assert {"config.yaml", "test_predictions.parquet", "plots"} <= there
    plots = {f.path for f in store.list_artifacts(run.info.run_id, "plots")}
    assert "plots/overview.png" in plots
    for reference in ("models:/films/1", run.info.run_id):
        again = ok(cfexp("mode=evaluate", f"run_id={reference}", cwd=workdir))
        rmse = f"{run.data.metrics['test_rmse']:.4f}"
        assert rmse in again.stdout


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_stopped_and_resumed(
    workdir: Path, monkeypatch: pytest.MonkeyPatch, stop: signal.Signals
) -> None:
    """A stopped run is KILLED; resumed, it ends as if it had never been stopped."""
    long = [*TINY, "model=dot", "embed_dim=4", "training.epochs=6"]
    long += ["training.patience=null", "training.checkpoint_every=1"]
    save = checkpoint.save

    def save_and_stop(path: Path, state: checkpoint.State) -> None:
        save(path, state)
        if len(state.epochs) == 2:
            os.kill(os.getpid(), stop)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "save", save_and_stop)
        stopped = cfexp(*long, cwd=workdir)
    assert stopped.returncode == 128 + stop, stopped.stderr
    _, said, where, how = stopped.stderr.splitlines()[-4:]
    assert said == "cfexp: stopped"
    (saved,) = workdir.glob("checkpoints/*.npz")
    kept = f"checkpoints/{saved.name}"
    assert where == f"cfexp: after epoch 2 of 6, with the checkpoint {kept}"
    assert how == f"cfexp: go on: {shlex.join(['cfexp', *long])} training.resume=true"
    assert "Traceback" not in stopped.stderr
    (killed,) = runs(workdir)
    assert killed.info.status == "KILLED"
    resumed = [*long, "training.resume=true", "hydra.run.dir=resumed"]
    assert "resumed after epoch 2" in ok(cfexp(*resumed, cwd=workdir)).stderr
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
