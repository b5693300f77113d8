"""A trained model is evaluated, asked, and trained further."""

from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from helpers import TINY, cfexp, ok
from tracked import runs

from cfexp.evaluation.intervals import metrics
from cfexp.models.members import MembersScorer
from cfexp.models.predictor import Predictor

pytestmark = pytest.mark.slow


def test_train_then_reuse(workdir: Path) -> None:
    tracked = [*TINY, "training=quick"]
    done = cfexp("model=ncf", "embed_dim=4", *tracked, cwd=workdir)
    assert done.returncode == 0, done.stderr
    assert "bias RMSE" in done.stdout
    again = cfexp("mode=evaluate", "run_id=latest", cwd=workdir)
    assert again.returncode == 0, again.stderr
    line = next(x for x in done.stdout.splitlines() if x.startswith("│ all"))
    same = next(x for x in again.stdout.splitlines() if x.startswith("│ all"))
    assert line.split("│")[2:5] == same.split("│")[2:5]
    top = cfexp("mode=recommend", "run_id=best", "user=1", "k=3", cwd=workdir)
    assert "top 3 unseen movies for user 1" in top.stdout
    pairs = pd.DataFrame({"userId": [1, 999999], "movieId": [2, 3]})
    pairs.to_csv(workdir / "pairs.csv", index=False)
    done = cfexp(
        *("mode=predict", "run_id=latest", "pairs=pairs.csv", "output=out.csv"),
        cwd=workdir,
    )
    assert done.returncode == 0, done.stderr
    assert pd.read_csv(workdir / "out.csv")["predicted"].between(1, 5).all()
    tuned = cfexp("mode=finetune", "run_id=latest", "training.epochs=1", cwd=workdir)
    assert tuned.returncode == 0, tuned.stderr


def test_a_model_of_members_is_used_as_any_other(workdir: Path) -> None:
    """Its predictions have a deviation; its members are tuned together."""
    ok(cfexp("model=dot", "embed_dim=4", "members=2", *TINY, cwd=workdir))
    (folder,) = (workdir / "outputs").glob("*/*")
    test = pd.read_parquet(folder / "results/test_predictions.parquet")
    found = metrics(test["predicted"] - test["rating"], test["std"])
    assert 0.8 < found["intervals/coverage_90"] < 1
    test[["userId", "movieId"]].to_csv(workdir / "pairs.csv", index=False)
    ok(cfexp("predict", "latest", "pairs.csv", "output=out.csv", cwd=workdir))
    again = pd.read_csv(workdir / "out.csv")
    for name in ("predicted", "std"):
        np.testing.assert_allclose(again[name], test[name], atol=1e-6)
    top = ok(cfexp("recommend", "latest", "1", cwd=workdir)).stdout
    assert "unseen movies for user 1" in top
    ok(cfexp("evaluate", "latest", cwd=workdir))
    refused = cfexp("finetune", "latest", "members=3", cwd=workdir)
    said = "was trained as members=2 and cannot be changed. Leave out members=3"
    assert said in refused.stderr
    few = ["training=quick", "training.epochs=1"]
    ok(cfexp("finetune", "latest", *few, "run_name=t", cwd=workdir))
    (tuned,) = set((workdir / "outputs").glob("*/*/model")) - {folder / "model"}
    scorer = Predictor.load(tuned).scorer
    assert isinstance(scorer, MembersScorer)
    assert len(scorer.members) == 2
    (output,) = runs(workdir)[-1].outputs.model_outputs
    logged = mlflow.pyfunc.load_model(f"models:/{output.model_id}")
    served = logged.predict(test[["userId", "movieId"]])
    np.testing.assert_allclose(served["rating"], Predictor.load(tuned).predict(test))
    assert (served["std"] > 0).all()
