"""The benchmark: its protocol, with a peer of our own, and its command."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import cfexp

from cfexp.benchmark.measure import Measured, measure_peer, summary, with_target
from cfexp.benchmark.peers import PEERS, Peer
from cfexp.data.ratings import RATING, Ratings
from cfexp.data.splitters import RandomHoldout


def test_peers_are_tested_on_the_same_rows(ratings: Ratings) -> None:
    split = RandomHoldout(test_size=0.2, valid_size=0.1).split(ratings, seed=0)
    seen = []

    def fit(train: pd.DataFrame, scale: tuple[float, float], seed: int):  # type: ignore[no-untyped-def]
        seen.append(set(train.index))
        return lambda pairs: np.full(len(pairs), train[RATING].mean())

    found = measure_peer("m", Peer("numpy", (), fit), ratings, split, seed=0)
    train, valid = set(split.train), set(split.valid)
    assert seen == [train, train | valid]
    rating = ratings.frame[RATING].to_numpy()
    known = np.concatenate([split.train, split.valid])
    expected = np.sqrt(np.mean((rating[split.test] - rating[known].mean()) ** 2))
    assert found.rmse == pytest.approx(expected)
    reached = np.sqrt(np.mean((rating[split.valid] - rating[split.train].mean()) ** 2))
    assert found.curve[0][1] == pytest.approx(reached)


def test_seconds_to_svd() -> None:
    svd = Measured("surprise-svd", 0.9, 0.7, 3.0, ((2.0, 0.95),))
    fast = Measured("fast", 0.8, 0.6, 9.0, ((1.0, 0.99), (1.5, 0.95), (2.0, 0.9)))
    never = Measured("never", 1.0, 0.8, 1.0, ((1.0, 0.96),))
    found = with_target([svd, fast, never], "surprise-svd")
    assert [one.to_svd for one in found] == [2.0, 1.5, None]
    assert with_target([fast], "surprise-svd") == [fast]
    folds = pd.DataFrame(
        [
            {"fold": fold, **vars(one)}
            for fold, missed in (("1", False), ("2", True))
            for one in with_target([svd, never if missed else fast], "surprise-svd")
        ]
    ).replace({"system": {"never": "fast"}})
    table = summary(folds)
    assert table["system"].tolist() == ["fast", "surprise-svd"]
    assert table["rmse"].tolist() == [0.9, 0.9]
    assert table["first_fold"].tolist() == [0.8, 0.9]
    assert np.isnan(table["to_svd"][0])
    none = summary(pd.DataFrame([{"fold": "1", **vars(one)} for one in (svd, fast)]))
    assert none["to_svd"].isna().all()


@pytest.mark.parametrize("name", PEERS)
def test_peer_predicts(name: str, ratings: Ratings) -> None:
    peer = PEERS[name]
    for module in peer.modules:
        pytest.importorskip(module, reason="needs pip install 'cfexp[bench]'")
    train = ratings.frame.iloc[:2500]
    pairs = pd.concat(
        [ratings.frame.iloc[2500:], train.head(1).assign(userId=10**6, movieId=10**6)]
    )
    predicted = peer.fit(train, ratings.scale, 0)(pairs)
    assert predicted.shape == (len(pairs),)
    assert np.isfinite(predicted).all()
    assert predicted.min() >= 1
    assert predicted.max() <= 5


@pytest.mark.slow
def test_command(workdir: Path) -> None:
    """On ratings of the user's own, too."""
    small = ["dataset=synthetic", "dataset.n_ratings=3000", "split=kfold"]
    small += ["dataset.n_users=100", "dataset.n_items=150", "training.epochs=1"]
    done = cfexp(
        *("bench", "--models", "bias,dot,ensemble", "--peers", "none"),
        *("--folds", "0,1", "--output", "out", *small),
        cwd=workdir,
    )
    assert done.returncode == 0, done.stderr
    folds = pd.read_csv(workdir / "out/folds.csv")
    assert (
        folds.groupby("fold")["system"].apply(sorted).tolist()
        == [["bias", "dot", "ensemble"]] * 2
    )
    table = pd.read_csv(workdir / "out/table.csv").set_index("system")
    expected = folds.groupby("system")["rmse"].mean()
    pd.testing.assert_series_equal(table["rmse"].sort_index(), expected)
    notes = (workdir / "out/notes.txt").read_text()
    assert "tensorflow 2." in notes
    assert "tensorflow 2." in " ".join(done.stdout.split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--models", "nfc"], "model nfc is not in the benchmark (did you mean ncf"),
        (["--peers", "svd"], "peer svd is not in the benchmark"),
        (["--models", "ensemble"], "--models needs one of cfexp's models"),
        (["--experiments", "ml-9"], "experiment=ml-9/bias is not an option"),
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
