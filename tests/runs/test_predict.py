"""Predictions of a file: its own names, titles, unknown ids, and the format."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import cfexp, ok

OWN = ["userId=user", "movieId=film", "rating=stars", "timestamp=when"]
TEXTS = ["title=name", "genres=kinds"]


@pytest.fixture
def model(workdir: Path, csv_files: tuple[Path, Path]) -> str:
    """The folder of a model of the user's own files."""
    columns = [f"dataset.columns.{column}" for column in (*OWN, *TEXTS)]
    files = ["dataset.ratings=ratings.csv", "dataset.movies=movies.csv"]
    given = ["model=bias", "dataset=csv", *files, *columns]
    ok(cfexp(*given, "tracking=none", "hydra.run.dir=own", cwd=workdir))
    return "own"


def test_flags_titles_and_names_of_the_data(workdir: Path, model: str) -> None:
    """The file has the names that the model's data had; unknown ids are told."""
    (workdir / "pairs.csv").write_text("film,note,user\nm1,a,u1\nm1,b,x\nm0x,c,u1\n")
    predict = ["predict", model, "pairs.csv", "tracking=none"]
    done = ok(cfexp(*predict, "output=out.csv", cwd=workdir))
    assert "1 of 3 rows are of users that the model does not know, such as x" in (
        done.stderr
    )
    found = pd.read_csv(workdir / "out.csv")
    assert found[["film", "user", "note"]].to_numpy().tolist() == [
        ["m1", "u1", "a"],
        ["m1", "x", "b"],
        ["m0x", "u1", "c"],
    ]
    assert found["known_user"].tolist() == [True, False, True]
    assert found["known_movie"].tolist() == [True, True, False]
    movies = pd.read_csv(workdir / "movies.csv").set_index("film")
    assert found["title"].fillna("").tolist() == [movies["name"]["m1"]] * 2 + [""]
    assert found["predicted"].nunique() == 3


def test_all_unknown_is_warned_of(workdir: Path, model: str) -> None:
    """Of a wrong column each prediction would be near the mean."""
    (workdir / "pairs.csv").write_text("film,user\nm1,1\nm2,2\n")
    predict = ["predict", model, "pairs.csv", "tracking=none", "--json"]
    done = ok(cfexp(*predict, cwd=workdir))
    said = "[WARNING] 2 of 2 rows are of users that the model does not know, such as 1"
    assert said in done.stderr
    found = json.loads(done.stdout)
    assert (found["unknown_users"], found["unknown_movies"]) == (2, 0)


@pytest.mark.parametrize(
    "name", ["o.csv", "o.csv.gz", "o.parquet", "o.json", "o.jsonl"]
)
def test_format_is_that_of_the_name(workdir: Path, model: str, name: str) -> None:
    (workdir / "pairs.tsv").write_text("member\tfilm\nu1\tm1\nu2\tm2\n")
    own = ["columns.userId=member", f"output={name}", "tracking=none"]
    ok(cfexp("predict", model, "pairs.tsv", *own, cwd=workdir))
    path = workdir / name
    if name == "o.parquet":
        found = pd.read_parquet(path)
    elif name.startswith("o.csv"):
        found = pd.read_csv(path)
    else:
        text = path.read_text()
        assert text.startswith("[{" if name == "o.json" else '{"member":"u1"')
        found = pd.read_json(path, lines=name == "o.jsonl")
    assert found["member"].tolist() == ["u1", "u2"]
    assert found["known_user"].dtype == np.bool_
