"""Datasets are parsed once: from memory in one process, from disk across processes."""

import logging
import os
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import pytest
from small_data import movielens_spec, synthetic, tabular, write_tab

from cfexp.data.cache import RECENT
from cfexp.data.movielens import MovieLens
from cfexp.data.ratings import Ratings
from cfexp.runtime.kept import keep_newest
from cfexp.spec import NO_EFFECT


def test_datasets_are_parsed_once(
    workdir: Path, csv_files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tab(workdir / "ml")
    specs = [synthetic(), movielens_spec(workdir / "ml"), tabular(*csv_files)]
    makes = ["synthetic.Synthetic._make", "movielens.MovieLens._parse"]
    makes += ["tabular.Tabular._parse"]
    plain = [specs[0]._make(), specs[1]._parse(workdir / "ml"), specs[2]._parse()]  # type: ignore[attr-defined]
    kept = [spec.load() for spec in specs]
    assert len(list((workdir / "cache").glob("ratings-*/about.json"))) == 3
    for make in makes:
        monkeypatch.setattr(f"cfexp.data.{make}", None)
    RECENT.clear()
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


def test_datasets_in_memory_are_bounded_and_shared(workdir: Path) -> None:
    first = synthetic().load()
    assert synthetic().load() is first
    others = [synthetic(data_seed=seed).load() for seed in (1, 2)]
    assert len(RECENT) == 2
    assert synthetic(data_seed=2).load() is others[1]
    assert synthetic().load() is not first


def test_changed_files_are_parsed_again(workdir: Path) -> None:
    write_tab(workdir / "ml")
    before = movielens_spec(workdir / "ml").load()
    with (workdir / "ml/u.data").open("a") as file:
        file.write("2\t2\t1\t13\n")
    after = movielens_spec(workdir / "ml").load()
    assert len(after.frame) == len(before.frame) + 1
    assert after.fingerprint != before.fingerprint


def test_file_of_the_same_size_is_parsed_again(csv_files: tuple[Path, Path]) -> None:
    before = tabular(*csv_files).load()
    text = csv_files[0].read_text()
    csv_files[0].write_text(text.replace(",5.0,", ",4.0,"))
    after = tabular(*csv_files).load()
    assert after.frame["rating"].max() == 4 < before.frame["rating"].max()


def test_warnings_are_repeated_in_the_next_process(
    csv_files: tuple[Path, Path], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="cfexp")
    text = csv_files[0].read_text()
    csv_files[0].write_text(text + text.splitlines()[-1] + "\n")
    spec, said = tabular(*csv_files, duplicates="last"), "kept the last of 1 duplicate"
    spec.load()
    spec.load()
    assert caplog.text.count(said) == 1
    assert "parsed, and kept in" in caplog.text
    assert "read from" not in caplog.text
    RECENT.clear()  # as in another process
    spec.load()
    assert "read from" in caplog.text
    records = [r for r in caplog.records if said in r.getMessage()]
    assert [r.levelno for r in records] == [logging.WARNING] * 2


class Halved(MovieLens):
    """A user's own dataset, which reads something else besides."""

    share: Annotated[float, NO_EFFECT] = 0.5

    def _parse(self, path: Path) -> Ratings:
        data = super()._parse(path)
        half = data.frame.head(int(len(data.frame) * self.share))
        return Ratings(data.name, half, data.movies, data.scale)


def test_class_of_the_user_is_not_cached(workdir: Path) -> None:
    write_tab(workdir / "ml")
    whole = movielens_spec(workdir / "ml")
    assert len(whole.load().frame) == 3
    assert len(Halved(**whole.settings()).load().frame) == 1


def test_only_the_datasets_used_last_stay_on_disk(workdir: Path) -> None:
    for seed in range(4):
        synthetic(data_seed=seed).load()
    folders = sorted((workdir / "cache").glob("ratings-*"), key=os.path.getmtime)
    RECENT.clear()
    synthetic(data_seed=0).load()  # which counts as use
    keep_newest(workdir / "cache", "ratings-*", 2)
    left = set((workdir / "cache").glob("ratings-*"))
    assert left == {folders[0], folders[3]}


@pytest.mark.parametrize("kind", ["frame", "movies"])
def test_nobody_can_change_shared_tables(ratings: Ratings, kind: str) -> None:
    before = getattr(ratings, kind).copy(deep=True)
    column = before.columns[0]
    table = getattr(ratings, kind)
    table["own"] = 1
    try:
        table.loc[0, column] = 77
        table[column].to_numpy()[0] = 77
    except ValueError as error:
        assert "read-only" in str(error)  # noqa: PT017 (with pandas 3, a copy changes)
    pd.testing.assert_frame_equal(getattr(ratings, kind), before)


def test_table_that_ratings_are_made_of_is_not_shared() -> None:
    frame = pd.DataFrame({"userId": [1, 2], "movieId": [1, 1], "rating": [3.0, 4.0]})
    movies = pd.DataFrame({"movieId": [1], "title": ["a"], "genres": [""]})
    data = Ratings("t", frame, movies, (1, 5))
    frame["own"] = 1
    assert "own" not in data.frame
    if pd.__version__ >= "3":  # else the values are the same, and not copied
        frame.loc[0, "rating"] = 5.0
        assert data.frame["rating"].tolist() == [3.0, 4.0]
