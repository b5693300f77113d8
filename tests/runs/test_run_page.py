"""The page of a run, with all its plots."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import FITTED, TINY, cfexp, ok
from pages import check_self_contained, tables_of

from cfexp.evaluation.breakdown import calibration
from cfexp.models.predictor import Predictor
from cfexp.runs.run_page import movie_map_of

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tracked network, and a baseline that is not tracked."""
    folder = tmp_path_factory.mktemp("trained")
    ok(cfexp(*FITTED, "hydra.run.dir=dot", cwd=folder))
    bias = ("model=bias", "tracking=none", "hydra.run.dir=bias")
    ok(cfexp(*bias, *TINY, cwd=folder))
    return folder


def test_run_of_mlflow(trained: Path) -> None:
    done = ok(cfexp("show", "latest", "--plots", cwd=trained))
    assert done.stdout.split() == ["page", "plots.html"]
    page = (trained / "plots.html").read_text()
    check_self_contained(page)
    for text in ("Learning curves", "train, while it learns", "Map of the movies"):
        assert text in page
    test = pd.read_parquet(trained / "dot/results/test_predictions.parquet")
    stars, activity, popularity = tables_of(page)
    expected = calibration(test)
    for name in ("rows", "mean predicted", "mean given"):
        np.testing.assert_allclose(stars[name], expected[name], rtol=1e-12)
    assert activity["rows"].sum() == popularity["rows"].sum() == len(test)
    square = (test["predicted"] - test["rating"]) ** 2
    total = (popularity["RMSE"] ** 2 * popularity["rows"]).sum()
    assert total == pytest.approx(square.sum())


def test_run_of_a_folder_without_embeddings(trained: Path) -> None:
    ok(cfexp("show", "bias", "--plots", "--output", "new/b.html", cwd=trained))
    page = (trained / "new/b.html").read_text()
    assert "A model of the family bias has no embeddings of movies." in page
    assert "Learning curves" not in page


def test_map_is_of_the_models_embeddings(trained: Path) -> None:
    """Distances of movies on the map are those of their embeddings, projected."""
    predictor = Predictor.load(trained / "dot/model")
    found = movie_map_of(predictor, "dot")
    assert not isinstance(found, str)
    assert (found.movies["count"] > 0).all()
    assert found.movies["count"].is_monotonic_decreasing
    network = predictor.scorer.model
    table = network.get_layer("item_embedding").get_weights()[0]
    known = list(predictor.encoder.items)
    rows = [known.index(movie) + 1 for movie in found.movies["movieId"]]
    own = table[rows] - table[rows].mean(axis=0)
    axes = np.linalg.lstsq(own, found.movies[["x", "y"]], rcond=None)[0]
    np.testing.assert_allclose(own @ axes, found.movies[["x", "y"]], atol=1e-5)
    np.testing.assert_allclose(axes.T @ axes, np.eye(2), atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nope", "--plots"], "there is no run nope in"),
        (["dot", "--plots", "--output", "mine.html"], "is there and is not cfexp's"),
    ],
)
def test_what_cannot_be_drawn(
    trained: Path, arguments: list[str], message: str
) -> None:
    (trained / "mine.html").write_text("my own")
    done = cfexp("show", *arguments, cwd=trained)
    assert done.returncode == 1
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert (trained / "mine.html").read_text() == "my own"


def test_sweep_has_no_plots(trained: Path) -> None:
    ok(cfexp("-m", "model=bias", "seed=1,2", *TINY, cwd=trained))
    done = cfexp("show", "kind=sweep", "latest", "--plots", cwd=trained)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1


def test_model_that_learned_to_rank(trained: Path) -> None:
    """Its scores have no error in stars; its epochs have what they were chosen by."""
    ranks = ["model=dot", "training.loss=softmax", "training.epochs=2", "embed_dim=4"]
    ok(cfexp(*ranks, "tracking=none", "hydra.run.dir=ranks", *TINY, cwd=trained))
    ok(cfexp("show", "ranks", "--plots", "--output", "ranks.html", cwd=trained))
    page = (trained / "ranks.html").read_text()
    assert "its scores have no error in stars" in page
    assert tables_of(page) == []
    assert "most rated movies: close ones are alike" in page
    assert "NDCG of validation rows" in page
