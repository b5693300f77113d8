"""Training on several devices and in several processes."""

import json
from pathlib import Path

import pytest
from helpers import TINY, cfexp, free_port, ok, python, start

from cfexp.errors import ConfigError
from cfexp.runtime.workers import worker_index

# Two devices of one processor; TensorFlow takes the number only once in a process.
MIRRORED = """
import json, sys
from dataclasses import replace
from cfexp.runtime import tensorflow
tensorflow.start()
import tensorflow as tf
(cpu,) = tf.config.list_physical_devices("CPU")
two = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(cpu, two)
from cfexp.config.build import build
from cfexp.config.compose import compose
from cfexp.errors import ConfigError
from cfexp.training.fit import fit_model
from cfexp.training.testing import evaluate_fitted
found = {}
for strategy in ("mirrored", "none"):
    cfg = compose([f"training.strategy={strategy}", *sys.argv[1:]])
    experiment = build(cfg).experiment
    ratings, split = experiment.load()
    fitted = fit_model(experiment, ratings, split)
    rmse = evaluate_fitted(fitted, ratings, split.test).evaluation.overall.rmse
    found[strategy] = [fitted.history.engine, fitted.val_rmse, rmse]
uneven = experiment.training.replace(strategy="mirrored", batch_size=255)
try:
    fit_model(experiment.replace(training=uneven), ratings, split)
except ConfigError as error:
    found["uneven"] = str(error)
print(json.dumps(found))
"""
# Nothing random in training, and the update that replicas use.
PLAIN = [*TINY, "embed_dim=4", "model=dot", "model.id_dropout=0", "training.epochs=3"]
PLAIN += ["optimizer.update=dense", "training.batch_size=256"]


@pytest.mark.slow
def test_two_devices_train_as_one(workdir: Path) -> None:
    done = ok(python(MIRRORED, *PLAIN, cwd=workdir))
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["mirrored"][0] == "distributed"
    assert found["none"][0] == "compiled"
    assert "training.batch_size=255 cannot be split into 2" in found["uneven"]
    assert found["mirrored"][1:] == pytest.approx(found["none"][1:], abs=2e-3)


@pytest.mark.slow
def test_two_workers_train_as_one(workdir: Path) -> None:
    """Each in a process of its own; the first one keeps the results."""
    cluster = {"worker": [f"127.0.0.1:{free_port()}" for _ in range(2)]}
    command = [*PLAIN, "model=deep", "model.dropout=0", "model.layers=[8]"]
    workers = [
        start(
            *(*command, "training.strategy=multiworker", "hydra.run.dir=both"),
            cwd=workdir,
            env=environment(cluster, index),
        )
        for index in range(2)
    ]
    said = ["".join(worker.communicate()) for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0], said
    done = cfexp(*command, "tracking=none", "hydra.run.dir=one", cwd=workdir)
    assert done.returncode == 0, done.stderr
    first, second, one = (
        json.loads((workdir / name / "results/metrics.json").read_text())
        for name in ("both", "both/worker_1", "one")
    )
    for metric in ("val_rmse", "test_rmse"):
        assert first[metric] == pytest.approx(second[metric], abs=1e-6)
        assert first[metric] == pytest.approx(one[metric], abs=2e-3)
    assert "tracking=none" in said[1]
    assert "tracking=none" not in said[0]
    again = cfexp("mode=evaluate", "run_id=latest", cwd=workdir)
    assert again.returncode == 0, again.stderr


def environment(cluster: dict[str, list[str]], index: int) -> dict[str, str]:
    task = {"type": "worker", "index": index}
    config = json.dumps({"cluster": cluster, "task": task})
    return {"TF_CONFIG": config}


def test_worker_index(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert worker_index() == 0
    monkeypatch.setenv("TF_CONFIG", '{"task": {"type": "worker", "index": 3}}')
    assert worker_index() == 3
    monkeypatch.setenv("TF_CONFIG", "worker 3")
    with pytest.raises(ConfigError, match="TF_CONFIG cannot be read"):
        worker_index()
