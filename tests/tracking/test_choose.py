"""Which run ``best`` is: never across datasets or splits, never by a test error."""

import logging
from pathlib import Path

import pytest
from helpers import SMALL
from mlflow.entities import Metric, Param, Run, RunData, RunInfo, RunTag

from cfexp.comparison.best import cost
from cfexp.comparison.systems import System
from cfexp.config.build import build
from cfexp.config.compose import compose
from cfexp.errors import ConfigError, TrackingError
from cfexp.evaluation.objective import BY_RMSE
from cfexp.runs.metadata import required_of
from cfexp.runs.modes import run as do
from cfexp.runs.task import Task
from cfexp.tracking.choose import best_run
from cfexp.tracking.settings import Choice


def made(
    run_id: str, *, val: float | None, data: str = "d", fold: int = 0, test: float = 1.0
) -> Run:
    """Returns a finished training of MLflow."""
    metrics = {"test_rmse": test} | ({} if val is None else {"val_rmse": val})
    params = {"dataset.name": data, "split.fold": str(fold), "seed": "0"}
    tags = {
        "cfexp.dataset": data,
        "cfexp.split": "kfold",
        "cfexp.data_sha256": data * 3,
        "cfexp.split_sha256": f"{data}{fold}",
    }
    return Run(
        RunInfo(run_id, "1", "u", "FINISHED", 0, 1, "active", run_name=run_id),
        RunData(
            [Metric(k, v, 0, 0) for k, v in metrics.items()],
            [Param(*p) for p in params.items()],
            [RunTag(*t) for t in tags.items()],
        ),
    )


def best(*runs: Run, **required: str) -> str:
    named = {key.replace("_", "."): value for key, value in required.items()}
    return best_run(runs, Choice(required=named), "here").info.run_id


def test_best_is_by_validation_within_one_data_and_split() -> None:
    runs = [made("a", val=0.9, test=0.8), made("b", val=0.8), made("x", val=None)]
    assert best(*runs) == "b"
    toy = made("toy", val=0.1, data="toy")
    with pytest.raises(
        TrackingError, match=r"of 2 datasets.*d .data ddd. kfold fold=0"
    ):
        best(*runs, toy)
    assert best(*runs, toy, dataset_name="d") == "b"
    assert best(*runs, toy, dataset_name="toy") == "toy"
    other = made("fold", val=0.2, fold=1)
    with pytest.raises(TrackingError, match="of 2 datasets or splits"):
        best(*runs, other)
    assert best(*runs, other, split_fold="1", seed="0") == "fold"


def test_best_says_what_there_is() -> None:
    runs = [made("a", val=0.9)]
    with pytest.raises(TrackingError, match="this dataset.*It has runs on: d .data"):
        best(*runs, dataset_name="other")
    with pytest.raises(TrackingError, match="no finished training with the metric val"):
        best(made("x", val=None))


def test_runs_without_validation_error_are_never_the_best_system() -> None:
    seen, honest = made("x", val=None), made("a", val=0.9)
    systems = [System("x", (honest, seen)), System("a", (honest,))]
    assert min(systems, key=lambda one: cost(one, BY_RMSE)).name == "a"


def test_asked_are_the_named_groups() -> None:
    overrides = ["dataset=ml-100k", "split=kfold", "split.fold=2", "embed_dim=8"]
    found = required_of(build(compose(overrides)).experiment, overrides)
    assert found["dataset.name"] == "ml-100k"
    assert found["split.fold"] == "2"
    assert {key.partition(".")[0] for key in found} == {"cfexp", "dataset", "split"}
    assert found["cfexp.split"] == "kfold"
    assert "dataset.root" not in found
    seeded = build(compose(["seed=3"])).experiment
    assert required_of(seeded, ["seed=3"]) == {"seed": "3"}
    assert required_of(build(compose([])).experiment, []) == {}


@pytest.mark.slow
def test_best_does_not_cross_datasets_and_is_told(
    workdir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def run(*overrides: str) -> None:
        cfg = compose(list(overrides))
        folder = workdir / "run"
        do(Task(build(cfg), folder, "x", overrides))

    bias = ["model=bias", *(o for o in SMALL if o != "tracking=none")]
    run(*bias)
    use = ["mode=recommend", "run_id=best", "user=1", "k=3", "overwrite=true"]
    with caplog.at_level(logging.INFO):
        run(*use)
    assert "run_id=best is run " in caplog.text
    assert "bias on synthetic (data " in caplog.text
    run(*bias, "dataset.data_seed=1")
    with pytest.raises(TrackingError, match="are of 2 datasets or splits"):
        run(*use)
    with pytest.raises(TrackingError, match="no finished training with this dataset"):
        run(*use, "split=per_user")
    said = "best_of must be a metric of the validation rows: val_rmse, val_mae"
    with pytest.raises(ConfigError, match=said):
        run("mode=evaluate", "run_id=best", "best_of=test_rmse")
