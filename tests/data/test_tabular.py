"""A user's own files, with own column names."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from small_data import movielens_spec, tabular

from cfexp.data.ratings import Ratings
from cfexp.errors import ConfigError, DataError


def test_own_files(csv_files: tuple[Path, Path], ratings: Ratings) -> None:
    data = tabular(*csv_files).load()
    assert len(data.frame) == len(ratings.frame)
    assert data.frame["userId"].str.startswith("u").all()
    assert set("|".join(data.movies["genres"]).split("|")) == set(
        "|".join(ratings.movies["genres"]).split("|")
    )


def test_own_parquet_without_movies(csv_files: tuple[Path, Path]) -> None:
    parquet = csv_files[0].with_suffix(".parquet")
    pd.read_csv(csv_files[0]).drop(columns="when").to_parquet(parquet)
    names = {"userId": "user", "movieId": "film", "rating": "stars"}
    data = tabular(parquet, None, scale=None, columns=names).load()
    assert data.scale == (1.0, 5.0)
    assert "timestamp" not in data.frame.columns
    assert data.fingerprint != tabular(*csv_files).load().fingerprint


def test_own_files_errors(csv_files: tuple[Path, Path], workdir: Path) -> None:
    with pytest.raises(DataError, match=r"no file .*rating\.csv \(did you mean rat"):
        tabular(workdir / "rating.csv", None).load()
    bad = workdir / "bad.parquet"
    bad.write_text("this is not Parquet")
    with pytest.raises(DataError, match="cannot be read: Parquet magic"):
        tabular(bad, None).load()
    for scale in ([5, 1], [1], [1, np.inf], [np.nan, 5], [-1e9, 1e9]):
        with pytest.raises(ConfigError, match="scale must be"):
            tabular(*csv_files, scale=scale)
        with pytest.raises(ConfigError, match="scale must be"):
            movielens_spec(None, scale=scale)
