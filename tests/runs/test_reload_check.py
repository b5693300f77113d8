"""The check of stored models: few of a sweep are loaded, all are as trained."""

from pathlib import Path
from unittest import mock

import keras
import mlflow
import numpy as np
import pandas as pd
import pytest
from helpers import FITTED, cfexp, ok
from small_models import named
from tracked import metrics_of, runs

from cfexp.data.encoder import FeatureEncoder, encode
from cfexp.data.ratings import Ratings
from cfexp.evaluation.names import RELOAD_DIFFERENCE
from cfexp.models import reloaded, stored
from cfexp.models.members import MeanScorer
from cfexp.models.reloaded import RELOAD_TOLERANCE, stored_architecture
from cfexp.models.scorer import KerasScorer
from cfexp.runtime.memo import Memo
from cfexp.tracking import flavor

SWEEP = ["-m", *FITTED, "seed=0,1,2", "hydra.sweep.dir=s"]


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Returns a list of the networks that are loaded; none is known before."""
    found: list[Path] = []
    load = KerasScorer.load

    def note(folder: Path) -> KerasScorer:
        found.append(folder)
        return load(folder)

    monkeypatch.setattr(reloaded, "_differences", Memo(keep=4))
    monkeypatch.setattr(KerasScorer, "load", note)
    return found


def test_one_of_equal_networks_is_loaded(
    workdir: Path, loads: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All can be, from MLflow, and predict what was predicted in their runs.

    MLflow writes the folder of one.
    """
    mlflow.set_tracking_uri(f"sqlite:///{workdir / 'mlflow.db'}")
    write = mock.Mock(side_effect=mlflow.pyfunc.save_model)
    monkeypatch.setattr(mlflow.pyfunc, "save_model", write)
    monkeypatch.setattr(flavor, "_written", {})
    ok(cfexp(*SWEEP, cwd=workdir))
    assert len(loads) == write.call_count == 1
    tracked = runs(workdir)
    assert len({run.outputs.model_outputs[0].model_id for run in tracked}) == 3
    for run in tracked:
        folder = Path(run.data.tags["cfexp.folder"])
        assert metrics_of(folder)[RELOAD_DIFFERENCE] <= RELOAD_TOLERANCE
        model = mlflow.pyfunc.load_model(f"runs:/{run.info.run_id}/dot")
        assert model.metadata.run_id == run.info.run_id
        assert model.metadata.model_id == run.outputs.model_outputs[0].model_id
        test = pd.read_parquet(folder / "results/test_predictions.parquet")
        again = model.predict(test[["userId", "movieId"]])["rating"]
        np.testing.assert_allclose(again, test["predicted"], atol=1e-5)


def test_weights_that_are_stored_wrongly_are_found(
    workdir: Path, loads: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    save = KerasScorer.save

    def save_other(self: KerasScorer, folder: Path) -> None:
        if folder.parent.name == "1":
            self = KerasScorer(keras.models.clone_model(self.model))
        save(self, folder)

    monkeypatch.setattr(KerasScorer, "save", save_other)
    done = ok(cfexp(*SWEEP, cwd=workdir))
    assert len(loads) == 2
    for number in "012":
        found = metrics_of(workdir / "s" / number)[RELOAD_DIFFERENCE]
        assert (found > RELOAD_TOLERANCE) is (number == "1")
    assert done.stderr.count("the saved model's predictions differ by up to") == 1


def test_architecture_of_what_is_stored(
    ratings: Ratings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = FeatureEncoder.fit(ratings, np.arange(500))
    rows = encode(ratings, encoder, np.arange(500))
    one, other = (named("dot").build(encoder.spec, rows) for _ in range(2))
    KerasScorer(one).save(tmp_path)
    assert stored_architecture(KerasScorer(one), tmp_path)
    assert stored_architecture(KerasScorer(other), tmp_path) is None
    other.set_weights(one.get_weights())
    assert stored_architecture(KerasScorer(other), tmp_path)
    head = other.layers[-1]
    head.mean.assign(head.mean + 1)  # not trainable
    assert stored_architecture(KerasScorer(other), tmp_path) is None
    ensemble = MeanScorer((KerasScorer(one), KerasScorer(one)))
    assert stored_architecture(ensemble, tmp_path) is None
    KerasScorer(other).save(tmp_path)
    assert stored_architecture(KerasScorer(other), tmp_path)
    monkeypatch.setattr(stored, "MAX_BYTES", 1000)
    assert stored_architecture(KerasScorer(other), tmp_path) is None
