"""The benchmark: its protocol, with a peer of our own, and its command."""

import time
from dataclasses import replace
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from helpers import cfexp

from cfexp.benchmark import peers
from cfexp.benchmark.clock import Point, seconds_to
from cfexp.benchmark.measure import (
    Measured,
    measure_model,
    measure_peer,
    summary,
    table_row,
)
from cfexp.benchmark.peers import PEERS
from cfexp.benchmark.task import Note, Peer, Predict, Task
from cfexp.data.columns import GENRES
from cfexp.data.features import Declared
from cfexp.data.frames import Frames
from cfexp.data.ratings import RATING, Ratings
from cfexp.errors import ConfigError
from cfexp.evaluation.metrics import rmse
from cfexp.experiment import Experiment
from cfexp.models.base import Model
from cfexp.models.bayes import Bayes
from cfexp.models.dot import Dot
from cfexp.training.settings import Training


def task_of(ratings: Ratings, **changes: Any) -> Task:
    """Returns a task: 2,500 rows to fit to, the others to test on."""
    rows = np.arange(len(ratings.frame))
    return replace(Task(ratings, rows[:2500], rows[2500:]), **changes)


def test_a_peer_is_fitted_for_each_number_of_epochs(ratings: Ratings) -> None:
    """The last one's errors are shown, and those that it notes, by time."""
    task = task_of(ratings)
    truth = ratings.frame[RATING].to_numpy()[task.test]
    seen = []

    def fit(given: Task, epochs: int, note: Note) -> Predict:
        seen.append((given, epochs))
        note(lambda: (time.sleep(0.2), np.full(len(given.test), 1.0))[1])
        return lambda: np.full(
            len(given.test), given.triples[RATING].mean() + 1 / epochs
        )

    found = measure_peer("m", Peer("numpy", (), fit, (2, 8)), task)
    assert seen == [(task, 2), (task, 8)]
    mean = task.triples[RATING].mean()
    shown = [
        rmse(truth, np.full(len(truth), p)) for p in (1, mean + 0.5, 1, mean + 1 / 8)
    ]
    assert [point.rmse for point in found.curve] == pytest.approx(shown)
    assert found.rmse == found.curve[-1].rmse
    assert found.mae == pytest.approx(np.abs(truth - mean - 1 / 8).mean())
    # The clock stands while errors are computed.
    assert max(point.seconds for point in found.curve) < 0.2
    assert (found.seconds, found.processor) == found.curve[-1][:2]


def test_seconds_to_an_error() -> None:
    points = Point(1.0, 2.0, 0.99), Point(1.5, 2.5, 0.95), Point(1.2, 3.0, 0.95)
    assert seconds_to(points, 0.95, "seconds") == 1.2
    assert seconds_to(points, 0.95, "processor") == 2.5
    assert np.isnan(seconds_to(points, 0.94, "seconds"))


def test_means_over_folds() -> None:
    def row(system: str, fold: str, rmse: float, reached: float) -> dict[str, object]:
        one = Measured(system, rmse, 0.7, 3.0, 4.0, (Point(1.0, reached, 0.95),))
        return {"fold": fold, **table_row(one, [0.95], "processor")}

    rows = [row("a", "1", 0.9, 5.0), row("b", "1", 0.8, 1.0)]
    single = summary(pd.DataFrame(rows))
    assert single.columns.tolist() == [
        *("system", "rmse", "mae", "seconds", "processor", "to 0.95")
    ]
    rows += [row("a", "2", 0.7, 7.0), row("b", "2", 1.0, np.nan)]
    table = summary(pd.DataFrame(rows))
    assert table["system"].tolist() == ["a", "b"]
    assert table["rmse"].tolist() == pytest.approx([0.8, 0.9])
    assert table["first_fold"].tolist() == [0.9, 0.8]
    # A system that missed it on one fold gets no mean over the others.
    assert table["to 0.95"].tolist() == pytest.approx([6.0, np.nan], nan_ok=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "refit"),
    [
        (Dot(embed_dim=4), True),
        (Dot(embed_dim=4), False),
        (Bayes(embed_dim=2, sweeps=6, burn_in=2, keep=3), True),
    ],
    ids=["refit", "no refit", "samples"],
)
def test_the_curve_ends_at_the_tested_model(
    ratings: Ratings, model: Model, refit: bool
) -> None:
    """It is that of the fit whose errors are shown, and the clock stands for it."""
    experiment = Experiment(
        dataset=Frames(ratings.frame, name="mine"),
        model=model,
        training=Training(epochs=3, refit=refit, patience=None),
    )
    split = experiment.load(ratings).split
    found, fitted = measure_model("m", experiment, ratings, split)
    best = fitted.history.best.epoch if fitted.history else 0
    at = -1 if refit else best - 1
    assert found.curve[at].rmse == pytest.approx(found.rmse, abs=1e-6)
    times = [point.seconds for point in found.curve]
    assert times == sorted(times)
    assert times[-1] < found.seconds
    assert len(found.curve) == (6 if isinstance(model, Bayes) else best if refit else 3)


@pytest.mark.parametrize("name", PEERS)
def test_peer_predicts(name: str, ratings: Ratings) -> None:
    peer = PEERS[name]
    for module in peer.modules:
        pytest.importorskip(module, reason=f"needs pip install {peer.package}")
    # A user and a movie that are not in training.
    new = ratings.frame.tail(1).assign(userId=10**6, movieId=10**6)
    frame = pd.concat([ratings.frame, new], ignore_index=True)
    ratings = Frames(frame, movies=ratings.movies, name="mine").load()
    task = task_of(ratings, declared=(Declared("item", GENRES),))
    noted: list[np.ndarray] = []
    predict = peer.fit(task, 10, lambda predict: noted.append(predict()))
    predicted = predict()
    for found in (*noted, predicted):
        assert found.shape == (len(task.test),)
        assert np.isfinite(found).all()
        assert found.min() >= 1
        assert found.max() <= 5
    truth = frame[RATING].to_numpy()[task.test]
    assert rmse(truth, predicted) < np.std(truth)
    if noted:
        assert len(noted) == 10
        np.testing.assert_allclose(noted[-1], predicted, atol=1e-6)


def test_what_is_missing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """With how to install it: some peers are no part of the extra."""

    def version(package: str) -> str:
        raise PackageNotFoundError(package)

    monkeypatch.setattr(peers, "version", version)
    with pytest.raises(ConfigError) as raised:
        peers.check_installed(["libmf", "myfm", "cornac-mf"])
    assert str(raised.value) == (
        "the benchmark needs cornac, libmf, myfm, which is not installed. Install it"
        " with pip install 'cfexp[bench]' and pip install libmf (with a C++ compiler),"
        " or leave it out with --peers none."
    )
    assert not {"libmf", "cmfrec", "lenskit-als"} & set(peers.DEFAULT_PEERS)


@pytest.mark.slow
def test_command(workdir: Path) -> None:
    """On ratings of the user's own, too."""
    small = ["dataset=synthetic", "dataset.n_ratings=3000", "split=kfold"]
    small += ["dataset.n_users=100", "dataset.n_items=150", "training.epochs=1"]
    done = cfexp(
        *("bench", "--models", "bias,dot,ensemble", "--peers", "none"),
        *("--folds", "0,1", "--output", "out", "--goals", "0.9", *small),
        cwd=workdir,
    )
    assert done.returncode == 0, done.stderr
    folds = pd.read_csv(workdir / "out/folds.csv")
    assert (
        folds.groupby("fold")["system"].apply(sorted).tolist()
        == [["bias", "dot", "ensemble"]] * 2
    )
    table = pd.read_csv(workdir / "out/table.csv").set_index("system")
    curves = pd.read_csv(workdir / "out/curves.csv").groupby("system").size()
    assert curves.to_dict() == {"bias": 2, "dot": 2, "ensemble": 2}
    assert "to 0.9" in table
    expected = folds.groupby("system")["rmse"].mean()
    pd.testing.assert_series_equal(table["rmse"].sort_index(), expected)
    notes = (workdir / "out/notes.txt").read_text()
    assert "tensorflow 2." in notes
    assert "tensorflow 2." in " ".join(done.stdout.split())
    bias = ("bench", "--models", "bias", "--peers", "none", "--folds", "0", *small)
    assert cfexp(*bias, "--output", "no-goal", cwd=workdir).returncode == 0
    assert "\nto: " in notes
    assert "\nto: " not in (workdir / "no-goal/notes.txt").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--models", "nfc"], "model nfc is not in the benchmark (did you mean ncf"),
        (["--peers", "svd"], "peer svd is not in the benchmark"),
        (["--models", "ensemble"], "--models needs one of cfexp's models"),
        (["--dataset", "ml-9"], "there are no experiments of ml-9"),
        (["--dataset", "doubn-monti"], "(did you mean douban-monti?). Choose --data"),
        (["--goals", "low"], "--goals must be numbers, such as 0.92,0.9. Got: low"),
        (["--peers", "none", "split.valid_size=2"], "valid_size must be"),
    ],
)
def test_command_explains(workdir: Path, arguments: list[str], message: str) -> None:
    done = cfexp("bench", *arguments, cwd=workdir)
    assert done.returncode == 1, done.stdout
    assert "Traceback" not in done.stderr
    (said,) = done.stderr.splitlines()
    assert said.startswith("cfexp: error: ")
    assert message in said
