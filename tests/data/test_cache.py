"""Large datasets are parsed once."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from small_data import movielens_spec, synthetic, tabular, write_tab

from cfexp.data.ratings import Ratings


def test_large_datasets_are_parsed_once(
    workdir: Path, csv_files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tab(workdir / "ml")
    specs = [synthetic(), movielens_spec(workdir / "ml"), tabular(*csv_files)]
    plain = [spec.load() for spec in specs]
    assert not (workdir / "cache").exists()
    monkeypatch.setattr("cfexp.data.cache.CACHE_FROM", 1)
    kept = [spec.load() for spec in specs]
    assert len(list((workdir / "cache").glob("ratings-*/about.json"))) == 3
    for kind in ("synthetic.Synthetic._make", "movielens.MovieLens._parse"):
        monkeypatch.setattr(f"cfexp.data.{kind}", None)
    monkeypatch.setattr("cfexp.data.tabular.Tabular._parse", None)
    again = [spec.load() for spec in specs]
    for a, b, c in zip(plain, kept, again, strict=True):
        for other in (b, c):
            pd.testing.assert_frame_equal(a.frame, other.frame)
            pd.testing.assert_frame_equal(a.movies, other.movies)
            assert a.fingerprint == other.fingerprint
            fresh = Ratings(a.name, other.frame, other.movies, other.scale)
            assert fresh.fingerprint == a.fingerprint
            assert a.scale == other.scale
            assert a.official_tests.keys() == other.official_tests.keys()
            for fold, rows in a.official_tests.items():
                np.testing.assert_array_equal(rows, other.official_tests[fold])


def test_changed_files_are_parsed_again(
    workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cfexp.data.cache.CACHE_FROM", 1)
    write_tab(workdir / "ml")
    before = movielens_spec(workdir / "ml").load()
    with (workdir / "ml/u.data").open("a") as file:
        file.write("2\t2\t1\t13\n")
    after = movielens_spec(workdir / "ml").load()
    assert len(after.frame) == len(before.frame) + 1
    assert after.fingerprint != before.fingerprint
