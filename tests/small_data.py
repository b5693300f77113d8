"""Small datasets of each kind."""

import os
from pathlib import Path

from cfexp.data.movielens import MovieLens
from cfexp.data.synthetic import Synthetic
from cfexp.data.tabular import Tabular

# Where MovieLens' own data are, if they are there.
DATA_DIR = os.environ.get("CFEXP_DATA_DIR", "")


def synthetic(n_ratings: int = 3000, **changes: object) -> Synthetic:
    """Returns a small synthetic dataset's spec."""
    values = {
        "n_ratings": n_ratings,
        "n_users": 100,
        "n_items": 150,
        "n_factors": 2,
        "noise": 0.5,
        "half_stars": False,
        "data_seed": 0,
    }
    return Synthetic(**{**values, **changes})


def movielens_spec(root: Path | None, **changes: object) -> MovieLens:
    """Returns the spec of a dataset like MovieLens."""
    values = {"name": "ml-x", "format": "tab", "scale": [1, 5]}
    values |= {"url": "http://127.0.0.1:9/ml.zip", "hash": "sha256:00"}
    values["root"] = None if root is None else str(root)
    return MovieLens(**{**values, **changes})  # type: ignore[arg-type]


def write_tab(folder: Path) -> None:
    """Writes three ratings in ml-100k's format."""
    folder.mkdir(parents=True)
    (folder / "u.data").write_text("1\t1\t5\t10\n1\t2\t3\t11\n2\t1\t4\t12\n")
    genres = "".join(f"{g}|{i}\n" for i, g in enumerate(["unknown", "Action", "Drama"]))
    (folder / "u.genre").write_text(genres)
    rows = ["1|Amélie (2001)|01|video|url|0|1|1", "2|None (1999)|01|video|url|1|0|0"]
    (folder / "u.item").write_bytes("\n".join(rows).encode("latin-1"))
    (folder / "u1.test").write_text("2\t1\t4\t12\n")


def tabular(ratings: Path, movies: Path | None, **changes: object) -> Tabular:
    """Returns the spec of a user's own files, with own column names."""
    values = {
        "name": "mine",
        "ratings": str(ratings),
        "movies": None if movies is None else str(movies),
        "separator": ",",
        "encoding": "utf-8",
        "columns": {
            "userId": "user",
            "movieId": "film",
            "rating": "stars",
            "timestamp": "when",
            "title": "name",
            "genres": "kinds",
        },
        "genre_separator": ", ",
        "scale": [1, 5],
        "duplicates": "error",
        "unknown_movies": "keep",
    }
    return Tabular(**{**values, **changes})  # type: ignore[arg-type]
