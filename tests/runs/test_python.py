"""Training, tracking and reuse from Python, beside a program's own things."""

import logging
import signal
import threading
import warnings
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
from helpers import cfexp as command
from helpers import ok
from small_data import synthetic
from tracked import check_job, metrics_of, runs

import cfexp
from cfexp.data.frames import Frames
from cfexp.data.ratings import Ratings
from cfexp.errors import CfexpError, ConfigError, DataError
from cfexp.runs.job import Outcome

QUICK = cfexp.training.Training(epochs=2, batch_size=256)
THEIRS = "sqlite:///theirs.db"


def small(**changes: Any) -> cfexp.Experiment:
    """Returns a small experiment."""
    values = {"model": cfexp.models.Dot(embed_dim=4), "training": QUICK, **changes}
    return cfexp.Experiment(**{"dataset": synthetic(), **values})


def own_things() -> list[object]:
    """Returns what belongs to the program that calls cfexp."""
    loggers = [logging.getLogger(name) for name in (None, "mlflow", "alembic")]
    return [
        [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)],
        [logger.level or logging.INFO for logger in loggers],
        logging.getLogger().handlers[:],
        logging.raiseExceptions,
        Path.cwd(),
        mlflow.get_tracking_uri(),
        mlflow.active_run(),
        warnings.filters[:],
        threading.active_count(),
    ]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """A tracked training, which leaves the program's own things as they were."""
    home = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        mlflow.set_tracking_uri(THEIRS)
        before = own_things()
        outcome = cfexp.train(small(), folder=home / "run")
        assert own_things() == before
        patch.undo()
        mlflow.set_tracking_uri(None)  # type: ignore[arg-type]
    return outcome


@pytest.fixture
def home(trained: Outcome, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that it was trained in, with its database."""
    monkeypatch.chdir(trained.folder.parent)
    return trained.folder.parent


@pytest.mark.slow
def test_train_tracks_as_the_command_line_does(trained: Outcome, home: Path) -> None:
    run = runs(home)[0]
    check_job(home, run, epochs=2)
    assert run.info.run_id == trained.run_id
    assert trained.result
    assert run.data.metrics["test_rmse"] == trained.result.test.rmse
    assert run.info.run_name == run.data.tags["cfexp.overrides"].replace(
        '", "', " "
    ).strip('[]"')
    assert "model=dot embed_dim=4 training.epochs=2" in run.info.run_name
    by_command = ok(command(*run.info.run_name.split(), "tracking=none", cwd=home))
    (other,) = home.glob("outputs/*/*")
    assert by_command
    assert metrics_of(other) == pytest.approx(metrics_of(trained.folder), abs=1e-5)
    ok(command("reproduce", str(trained.run_id), cwd=home))


@pytest.mark.slow
def test_once_returns_what_an_earlier_run_found(trained: Outcome, home: Path) -> None:
    again = cfexp.train(small(), once=True, folder="again")
    assert (again.run_id, again.folder) == (trained.run_id, trained.folder)
    assert again.result is None
    assert f"test_rmse={trained.metrics['test_rmse']:.4f}" in repr(again)
    with pytest.raises(ConfigError, match="once=True looks for an earlier run"):
        cfexp.train(small(), once=True, tracking=None)


@pytest.mark.slow
@pytest.mark.parametrize("run", ["latest", "best", "folder", "model", "id"])
def test_load_finds_it(trained: Outcome, home: Path, run: str) -> None:
    names = {
        "folder": trained.folder,
        "model": trained.folder / "model",
        "id": str(trained.run_id),
    }
    predictor = cfexp.load(names.get(run, run), like=small())
    pairs = pd.DataFrame({"userId": [1, 10**9], "movieId": [2, 3]})
    assert trained.result
    np.testing.assert_allclose(
        predictor.predict(pairs), trained.result.predictor.predict(pairs), atol=1e-5
    )


@pytest.mark.slow
def test_load_says_what_there_is(trained: Outcome, home: Path) -> None:
    with pytest.raises(CfexpError, match="no finished training with this dataset"):
        cfexp.load("best", like=small(seed=5))
    assert trained.run_id
    assert cfexp.load(trained.run_id[:8]).origin.model == cfexp.load().origin.model
    with pytest.raises(CfexpError, match="there is no such trained model"):
        cfexp.load("f" * 32)
    with pytest.raises(CfexpError, match="there is no run nonesuch in"):
        cfexp.load("nonesuch")
    with pytest.raises(ConfigError, match="uri must look like sqlite:///mlflow.db"):
        cfexp.load("latest", tracking="mlflow.db")


@pytest.mark.slow
def test_recommend_leaves_out_what_the_model_knows(trained: Outcome) -> None:
    result = trained.result
    assert result
    ratings, split = result.data
    known = ratings.frame.iloc[np.concatenate([split.train, split.valid])]
    user = int(known["userId"].mode()[0])
    rated = set(known.loc[known["userId"] == user, "movieId"])
    trained_on = set(ratings.frame["movieId"].iloc[split.train])
    all_of_them = len(ratings.movies)
    top = result.predictor.recommend(user, k=all_of_them)
    assert len(rated) > 5
    assert set(top["movieId"]) == trained_on - rated
    pd.testing.assert_frame_equal(
        top.head(10), result.predictor.recommend(str(user), seen=sorted(rated))
    )
    whole = result.predictor.recommend(user, k=all_of_them, seen=[])
    assert set(whole["movieId"]) == trained_on
    for k in (0, 2.5, True):
        with pytest.raises(DataError, match=f"k must be a whole number.* Got: {k}"):
            result.predictor.recommend(user, k=k)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="must be a DataFrame.* Got: a list"):
        result.predictor.predict([(1, 2)])  # type: ignore[arg-type]


@pytest.mark.slow
def test_train_without_tracking_and_resumed(workdir: Path) -> None:
    outcome = cfexp.train(small(), tracking=None, name="mine", folder="here")
    assert outcome.run_id is None
    assert (workdir / "here/model/origin.json").exists()
    assert not (workdir / "mlflow.db").exists()
    with pytest.raises(CfexpError, match="there is no checkpoint"):
        cfexp.train(small(), tracking="none", resume=True)


@pytest.mark.slow
def test_frames_are_tracked_but_not_reproduced(workdir: Path, ratings: Ratings) -> None:
    data = Frames(ratings.frame, ratings.movies)
    outcome = cfexp.train(small(dataset=data, model=cfexp.models.Bias()))
    (run,) = runs(workdir)
    assert run.data.params["dataset.name"] == "frames"
    assert run.data.tags["cfexp.data_sha256"] == data.load().fingerprint
    assert "cfexp.overrides" not in run.data.tags
    assert cfexp.train(outcome.result.experiment, once=True).run_id == outcome.run_id  # type: ignore[union-attr]
    done = command("reproduce", "latest", cwd=workdir)
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1] == (
        "cfexp: error: frames: the ratings were a DataFrame in a Python program, which"
        " is not saved. Train the same experiment in Python again, or give the ratings"
        " as a file with dataset=csv dataset.ratings=FILE"
    )
    pairs = workdir / "pairs.csv"
    pairs.write_text("userId,movieId\n1,2\n")
    ok(command("mode=predict", "run_id=latest", f"pairs={pairs}", cwd=workdir))


@pytest.mark.slow
def test_fit_is_the_shortest_way(ratings: Ratings) -> None:
    quick = {"epochs": 2, "batch_size": 256}
    result = cfexp.fit(ratings.frame, "dot", embed_dim=4, training=quick, seed=3)
    whole = small(dataset=Frames(ratings.frame), seed=3).run()
    assert result.test.rmse == pytest.approx(whole.test.rmse, abs=1e-5)
    assert result.history
    assert len(result.history.epochs) == 2
    assert result.test.to_frame()["rows"].iloc[0] == len(result.data.split.test)
    assert "dot on frames: test RMSE" in repr(result)
    own = ratings.frame.rename(columns={"userId": "who"})
    movies = ratings.movies
    named = cfexp.fit(own, "mean", movies=movies, columns={"userId": "who"}, name="my")
    assert named.data.ratings.movies["genres"].tolist() == movies["genres"].tolist()
    assert named.data.ratings.name == "my"
    folds = cfexp.fit(synthetic(), cfexp.models.Mean(), split="kfold")
    assert folds.experiment.split == cfexp.data.KFold()


@pytest.mark.parametrize(
    ("data", "options", "said"),
    [
        ("synthetik", {}, r"dataset=synthetik is not an option \(did you mean synth"),
        ("synthetic", {"model": "nfc"}, r"model=nfc is not an option.*ncf"),
        (
            "synthetic",
            {"embed_dimm": 3},
            r"embed_dimm is not an option of model=ncf \(did",
        ),
        ("synthetic", {"embed_dim": 0}, "embed_dim must be >= 1 and <= 4,096. Got: 0"),
        ("synthetic", {"training": {"epochs": 0}}, "epochs must be >= 1. Got: 0"),
        ("synthetic", {"split": 3}, "split must be a name, an object.* Got: int 3"),
        ("synthetic", {"movies": pd.DataFrame()}, "movies= needs a DataFrame"),
        ("synthetic", {"dataset": "csv"}, "dataset is not an option of model=ncf"),
        ("synthetic", {"seed": -1}, "seed must be >= 0"),
        (
            "synthetic",
            {"model": "ensemble"},
            "model=ensemble needs two or more.* Got: 0",
        ),
        (7, {}, "dataset must be a DataFrame, a name such as ml-100k.* Got: int 7"),
        ("synthetic", {"model": QUICK}, "model .*Got: Training"),
    ],
)
def test_fit_says_what_it_received(
    data: Any, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(CfexpError, match=said) as caught:
        cfexp.fit(data, **options)
    assert "\n" not in str(caught.value)
