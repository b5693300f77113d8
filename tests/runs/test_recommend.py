"""Recommendations from the command line, and by the served model."""

import json
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from helpers import SMALL, TINY, cfexp, ok

from cfexp.models.predictor import Predictor

NONE = "tracking=none"


@pytest.fixture
def model(workdir: Path) -> Path:
    ok(cfexp("model=bias", *SMALL, "hydra.run.dir=own", cwd=workdir))
    return workdir / "own"


def test_many_users(workdir: Path, model: Path) -> None:
    """All of the dataset, or those of a file, without what they rated."""
    many = ["recommend", "own", "users=all", "k=3", "output=all.parquet", NONE]
    said = ok(cfexp(*many, cwd=workdir)).stdout
    assert "top 3 unseen movies for each of 100 users, by bias" in said
    found = pd.read_parquet(workdir / "all.parquet")
    assert list(found.columns) == [
        *("userId", "rank", "movieId", "title", "genres", "rating"),
    ]
    assert found.groupby("userId").size().eq(3).all()
    (workdir / "u.csv").write_text("member,note\n7,a\n3,b\n7,c\n-9,d\n")
    some = ["users=u.csv", "columns.userId=member", "k=3", "output=some.jsonl", NONE]
    done = ok(cfexp("recommend", "own", *some, "--json", cwd=workdir))
    assert "1 of 3 users are not known to the model, such as -9" in done.stderr
    assert json.loads(done.stdout)["users"] == 3
    few = pd.read_json(workdir / "some.jsonl", lines=True)
    assert few["userId"].unique().tolist() == [7, 3, -9]
    (workdir / "ids.csv").write_text("7\n3\n")
    done = ok(cfexp("recommend", "own", "users=ids.csv", "k=1", NONE, cwd=workdir))
    assert "ids.csv has no header: its columns are read as userId." in done.stderr
    own = found[found["userId"] == 7]["movieId"].tolist()
    assert few[few["userId"] == 7]["movieId"].tolist() == own


def test_a_user_whom_nobody_knows(workdir: Path, model: Path) -> None:
    """Gets what the model predicts for anybody, and is told so."""
    done = ok(cfexp("recommend", "own", "nobody", "k=2", NONE, cwd=workdir))
    assert "top 2 unseen movies for user nobody (0 rated), by bias" in done.stdout
    assert "user nobody has no ratings in synthetic, whose users are such as" in (
        done.stderr
    )


def test_new_users_by_their_ratings(workdir: Path, model: Path) -> None:
    movies = Predictor.load(model / "model").encoder.items[:3]
    (workdir / "r.csv").write_text("".join(f"{movie};4,5\n" for movie in movies))
    given = ["recommend", "own", "ratings=r.csv", "k=4", "output=o.json", NONE]
    done = ok(cfexp(*given, "explain=true", cwd=workdir))
    assert "r.csv has no header: its columns are read as movieId, rating" in done.stderr
    assert "numbers such as 4,5 in rating are read with a decimal comma" in done.stderr
    assert "top 4 movies for a new user with 3 ratings, by bias" in done.stdout
    found = pd.read_json(workdir / "o.json")
    assert not set(found["movieId"]) & set(movies)
    # A bias is pulled by all ratings alike.
    assert found["because"].str.count(r" \+0\.\d\d").eq(2).all()
    rows = [f"{user},{movie},{3 + user}\n" for user in (1, 2) for movie in movies]
    (workdir / "two.csv").write_text("userId,movieId,rating\n" + "".join(rows))
    two = ["ratings=two.csv", "k=4", "output=two.csv.gz", NONE]
    ok(cfexp("recommend", "own", *two, cwd=workdir))
    both = pd.read_csv(workdir / "two.csv.gz")
    mean = both.groupby("userId")["rating"].mean()
    assert mean[2] > mean[1]
    (workdir / "bad.csv").write_text("userId,movieId,rating\n8,-5,3\n")
    bad = cfexp("recommend", "own", "ratings=bad.csv", NONE, cwd=workdir)
    assert "ratings=bad.csv: user 8: the model knows none of the 1 rated" in bad.stderr


@pytest.mark.slow
def test_similar_reasons_and_the_served_model(workdir: Path) -> None:
    """The served model answers as the command line, by a parameter."""
    ok(cfexp("model=dot", "embed_dim=4", *TINY, "training=quick", cwd=workdir))
    (folder,) = workdir.glob("outputs/*/*/model")
    predictor = Predictor.load(folder)
    title = predictor.movies["title"].iloc[4]
    done = ok(cfexp("similar", "latest", title.lower(), "k=3", cwd=workdir))
    assert f"3 movies most like {title}, by dot" in done.stdout
    done = ok(cfexp("recommend", "latest", "1", "k=3", "explain=true", cwd=workdir))
    assert "because" in done.stdout
    assert " +0." in done.stdout

    (artifact,) = workdir.glob("mlruns/**/MLmodel")
    served = mlflow.pyfunc.load_model(str(artifact.parent))
    pairs = pd.DataFrame({"userId": [1, 10**9], "movieId": [2, 10**9]})
    np.testing.assert_allclose(
        served.predict(pairs)["rating"], predictor.predict(pairs)
    )
    users = pd.DataFrame({"userId": [1, 2]})
    top = served.predict(users, params={"task": "recommend", "k": 3})
    pd.testing.assert_frame_equal(top, predictor.recommend_many([1, 2], k=3))
    movie = int(predictor.encoder.items[4])
    near = served.predict(
        pd.DataFrame({"movieId": [movie]}), params={"task": "similar", "k": 3}
    )
    alike = predictor.similar(movie, k=3)
    assert near["movieId"].tolist() == alike["movieId"].tolist()
    ratings = pd.DataFrame(
        {"movieId": predictor.encoder.items[:3], "rating": [5.0, 1, 5]}
    )
    params = {"task": "fold_in", "k": 3, "explain": True}
    new = served.predict(ratings, params=params)
    pd.testing.assert_frame_equal(
        new, predictor.fold_in(ratings).recommend(k=3, explain=True)
    )
    with pytest.raises(Exception, match=r"task=nope must be one of predict, recommend"):
        served.predict(pairs, params={"task": "nope"})
    with pytest.raises(Exception, match=r"the pairs have no column movieId"):
        served.predict(users)
