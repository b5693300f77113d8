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


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("film;user\nm1;u1\nm1;x\n".encode("utf-16"), ""),
        ("film,user,note\nm1,u1,Amélie\nm1,x,\n".encode("cp1252"), "is not UTF-8"),
        (b"u1,1\nx,2\n", "pairs=pairs.csv has no header: its columns are read as"),
    ],
)
def test_layout_is_found_out(workdir: Path, model: str, rows: bytes, said: str) -> None:
    (workdir / "pairs.csv").write_bytes(rows)
    predict = ["predict", model, "pairs.csv", "tracking=none", "output=out.csv"]
    done = ok(cfexp(*predict, cwd=workdir))
    assert said in done.stderr
    assert pd.read_csv(workdir / "out.csv")["known_user"].tolist() == [True, False]


def test_no_header_that_can_be_told(workdir: Path, model: str) -> None:
    (workdir / "pairs.csv").write_text("u1,m1\nx,m2\n")
    done = cfexp("predict", model, "pairs.csv", "tracking=none", cwd=workdir)
    assert "insert a line with the columns' names before them" in done.stderr
