"""What a run leaves behind: in MLflow, and in its folder."""

import json
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
from mlflow.entities import Run

from cfexp.evaluation.names import is_time
from cfexp.models.predictor import Predictor
from cfexp.tracking.tags import owner_tags


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


def metrics_of(folder: Path) -> dict[str, float]:
    """Returns the metrics of a finished run that do not tell the time."""
    found = json.loads((folder / "results/metrics.json").read_text())
    return {name: value for name, value in found.items() if not is_time(name)}


def weights(folder: Path) -> list[np.ndarray]:
    """Returns the trained weights of a run's saved model."""
    return Predictor.load(folder / "model").scorer.trained()


def logged(kind: str = "train", status: str = "FINISHED", **about: Any) -> str:
    """Logs a run without training; returns its id."""
    client, model = mlflow.MlflowClient(), about.get("model", "dot")
    tags = {
        "cfexp.kind": kind,
        "cfexp.model": model,
        "cfexp.dataset": about.get("dataset", "ml-100k"),
        "cfexp.split": "random",
        "cfexp.split_sha256": about.get("rows", "ab12"),
        "cfexp.overrides": json.dumps([f"model={model}", *about.get("overrides", [])]),
        "mlflow.parentRunId": about.get("parent", ""),
        "cfexp.error": about.get("error", ""),
        "cfexp.folder": about.get("folder", ""),
        "cfexp.pruned": about.get("pruned", ""),
    }
    if lock := about.get("lock"):
        tags |= owner_tags("key", lock)
    run = client.create_run(
        "1",
        run_name=str(about.get("name", model)),
        tags={k: v for k, v in tags.items() if v},
    )
    for name, value in {"model.name": model, **about.get("params", {})}.items():
        client.log_param(run.info.run_id, name, value)
    for name, value in about.get("metrics", {}).items():
        client.log_metric(run.info.run_id, name, value)
    for step, value in enumerate(about.get("epochs", []), 1):
        client.log_metric(run.info.run_id, "epoch/val_rmse", value, step=step)
    if status != "RUNNING":
        client.set_terminated(run.info.run_id, status)
    return str(run.info.run_id)
