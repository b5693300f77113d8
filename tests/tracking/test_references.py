"""Which run a short id, a name or a folder refers to."""

import re

import mlflow
import pytest

from cfexp.errors import TrackingError
from cfexp.tracking.connect import connect
from cfexp.tracking.references import run_id_of
from cfexp.tracking.settings import Tracking


def logged(
    name: str, kind: str = "train", status: str = "FINISHED", **tags: str
) -> str:
    """Logs a run; returns its id."""
    tags = {"cfexp.kind": kind} | {f"cfexp.{k}": v for k, v in tags.items()}
    run = mlflow.MlflowClient().create_run("1", run_name=name, tags=tags)
    mlflow.MlflowClient().set_terminated(run.info.run_id, status)
    return str(run.info.run_id)


def test_ids_names_and_folders(tracking: Tracking) -> None:
    connect(tracking)
    one = logged("model=dot embed_dim=8", folder="/no/where")
    other = logged("bob's")
    assert run_id_of(one) == run_id_of(one[:8]) == run_id_of(one[:4]) == one
    assert run_id_of("model=dot embed_dim=8") == one
    assert run_id_of("bob's") == other
    assert run_id_of("f" * 32) == "f" * 32  # nobody looks
    mlflow.MlflowClient().create_registered_model("films")
    mlflow.MlflowClient().create_model_version("films", "/x", run_id=one)
    mlflow.MlflowClient().set_registered_model_alias("films", "best", "1")
    assert run_id_of("models:/films/1") == run_id_of("models:/films@best") == one


def test_folder_of_a_run(tracking: Tracking, tmp_path: object) -> None:
    connect(tracking)
    one = logged("x", folder=str(tmp_path))
    assert run_id_of(str(tmp_path)) == one


def test_finished_trainings_come_first(tracking: Tracking) -> None:
    """Many a run is named as the one that it tests, or that failed before."""
    connect(tracking)
    one = logged("dot")
    logged("dot", kind="evaluate")
    logged("dot", status="FAILED")
    assert run_id_of("dot") == one
    parent = logged("sweep", kind="sweep")
    assert run_id_of("sweep") == parent


def test_several_are_listed(tracking: Tracking) -> None:
    connect(tracking)
    ids = [logged("dot", dataset="ml-100k") for _ in range(2)]
    with pytest.raises(TrackingError) as caught:
        run_id_of("dot")
    said = str(caught.value)
    assert said.startswith("dot is the name or the beginning of the id of 2 runs: ")
    for run_id in ids:
        assert re.search(rf"{run_id[:8]} dot on ml-100k of \d{{4}}-\d\d-\d\d", said)


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("dott", "there is no run dott in .*did you mean dot"),
        ("abc", "Give at least 4 characters of an id; cfexp runs lists them"),
        ("'\"", "cfexp runs lists them"),
        ("models:/films/1", "there is no registered model models:/films/1"),
    ],
)
def test_none_is_told(tracking: Tracking, reference: str, said: str) -> None:
    connect(tracking)
    logged("dot")
    with pytest.raises(TrackingError, match=said):
        run_id_of(reference)
