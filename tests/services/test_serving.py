"""Models behind HTTP, as `mlflow models serve` does it."""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from helpers import TINY, answers, cfexp, free_port

from cfexp.models.predictor import Predictor

pytestmark = [pytest.mark.slow, pytest.mark.long]  # one server, so one worker


def request(
    uri: str, body: str, content_type: str = "application/json"
) -> tuple[int, Any]:
    """Sends a request; returns the status and the answer."""
    sent = urllib.request.Request(
        f"{uri}/invocations", body.encode(), {"Content-Type": content_type}
    )
    try:
        with urllib.request.urlopen(sent, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


OWN = """
import keras
from cfexp.models import Deep


@keras.saving.register_keras_serializable(package="own")
class Same(keras.layers.Layer):
    def call(self, x):
        return x


class Own(Deep):
    def build(self, features, train):
        network = super().build(features, train)
        return keras.Model(network.input, Same()(network.output), name=self.name)
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A user's model that takes genres, served; its address and its run's folder."""
    folder = tmp_path_factory.mktemp("served")
    (folder / "own.py").write_text(OWN)
    deep = ["model=deep", "model._target_=own.Own", *TINY, "training.epochs=6"]
    deep += ["embed_dim=4"]
    deep += ["optimizer.learning_rate=0.03", "hydra.run.dir=run"]
    done = cfexp(*deep, cwd=folder)
    assert done.returncode == 0, done.stderr
    (folder / "own.py").unlink()
    (model,) = folder.glob("mlruns/**/MLmodel")
    port = free_port()
    # The environment that is installed already; without cfexp on its path.
    env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    with subprocess.Popen(
        [sys.executable, "-m", "mlflow", "models", "serve", "-m", str(model.parent)]
        + ["--env-manager", "local", "--port", str(port)],
        cwd=folder,
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        uri = f"http://127.0.0.1:{port}"
        answers(f"{uri}/ping", process)
        yield uri, folder / "run"
        os.killpg(process.pid, 9)


def test_raw_ids_known_and_new(served: tuple[str, Path]) -> None:
    """The same ratings as the model gives in process; genres place a new movie."""
    uri, run = served
    predictor = Predictor.load(run / "model", named=None)
    movies = predictor.movies
    genres = sorted({g for text in movies["genres"] for g in text.split("|") if g})
    new = 10**9
    pairs = pd.DataFrame(
        {
            "userId": [1, 1, new, 1, 1],
            "movieId": [int(movies["movieId"][0]), new, new, new, new],
            "genres": ["", "", "", genres[0], "|".join(genres[1:])],
        }
    )
    pairs.loc[0, "genres"] = movies["genres"][0]
    body = json.dumps({"dataframe_records": pairs.to_dict("records")})
    status, answer = request(uri, body)
    assert status == 200, answer
    ratings = [line["rating"] for line in answer["predictions"]]
    np.testing.assert_allclose(ratings, predictor.predict(pairs), atol=1e-5)
    assert all(1 <= rating <= 5 for rating in ratings)
    assert len(set(np.round(ratings[1:], 6))) == 4  # users and genres tell apart
    status, answer = request(uri, "userId,movieId\n1,2\n", "text/csv")
    assert status == 200
    expected = predictor.predict(pd.DataFrame({"userId": [1], "movieId": [2]}))
    assert answer["predictions"][0]["rating"] == pytest.approx(expected[0], abs=1e-5)
    top = {
        "dataframe_records": [{"userId": 1}],
        "params": {"task": "recommend", "k": 2},
    }
    status, answer = request(uri, json.dumps(top))
    assert status == 200
    found = [row["movieId"] for row in answer["predictions"]]
    assert found == predictor.recommend(1, k=2)["movieId"].tolist()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("nonsense", "valid JSON"),
        ("{}", "exactly one of the input fields"),
        ("[]", "JSON dictionary"),
        ('{"dataframe_records": [{"userId": 1}]}', "no column movieId"),
        ('{"dataframe_records": [{"userId": "x", "movieId": 2}]}', "userId"),
        ('{"dataframe_records": [{"userId": null, "movieId": 2}]}', "userId"),
        ('{"dataframe_split": {"columns": ["userId"], "data": [[1, 2]]}}', "columns"),
        ('{"dataframe_records": []}', "no column userId"),
    ],
)
def test_malformed_requests_are_the_senders(
    served: tuple[str, Path], body: str, message: str
) -> None:
    status, answer = request(served[0], body)
    assert status == 400, answer
    assert message in answer
