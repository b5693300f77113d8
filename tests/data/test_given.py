"""Splits that files or a column of the ratings give."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from small_data import tabular

from cfexp.data.folds import Official
from cfexp.data.given import Given
from cfexp.data.ratings import Ratings, canonical
from cfexp.data.tabular import Tabular
from cfexp.errors import ConfigError, DataError


@pytest.fixture
def lists(ratings: Ratings, tmp_path: Path) -> list[Path]:
    """Files of pairs: rows 0, 10 ..; 1, 11 ..; and row 0 with an unrated pair."""
    pairs = ratings.frame[["userId", "movieId"]]
    other = pd.DataFrame({"userId": [1], "movieId": [10**9]})
    parts = [pairs[::10].sample(frac=1), pairs[1::10], pd.concat([pairs[:1], other])]
    paths = [tmp_path / f"{name}.csv" for name in ("a", "b", "c")]
    for part, path in zip(parts, paths, strict=True):
        part.to_csv(path, index=False)
    return paths


def test_rows_are_those_of_the_files(ratings: Ratings, lists: list[Path]) -> None:
    split = Given(test=str(lists[0]), valid=str(lists[1])).split(ratings, seed=0)
    assert np.array_equal(split.test, np.arange(0, 3000, 10))
    assert np.array_equal(split.valid, np.arange(1, 3000, 10))
    assert len(split.train) == 2400
    drawn = [Given(test=str(lists[0])).split(ratings, seed=seed) for seed in (0, 0, 1)]
    assert len(drawn[0].valid) == round(2700 * 0.05)
    assert not np.isin(drawn[0].valid, split.test).any()
    assert np.array_equal(drawn[0].valid, drawn[1].valid)
    assert not np.array_equal(drawn[0].valid, drawn[2].valid)


def test_published_lists_have_no_header(ratings: Ratings, tmp_path: Path) -> None:
    """Such as u1.test of ml-100k."""
    columns = ["userId", "movieId", "rating", "timestamp"]
    rows = ratings.frame[::10][columns]
    rows.to_csv(tmp_path / "u1.test", sep="\t", header=False, index=False)
    split = Given(test=str(tmp_path / "u1.test")).split(ratings, seed=0)
    assert np.array_equal(split.test, np.arange(0, 3000, 10))


def test_folds_are_lists_of_files(ratings: Ratings, lists: list[Path]) -> None:
    folds = Given(folds=tuple(map(str, lists[:2])), fold=1)
    assert np.array_equal(folds.split(ratings, seed=0).test, np.arange(1, 3000, 10))


def test_changed_files_give_another_split(ratings: Ratings, lists: list[Path]) -> None:
    given = Given(test=str(lists[0]))
    before = given.split(ratings, seed=0)
    lists[0].write_text(lists[1].read_text())
    assert given.split(ratings, seed=0).fingerprint != before.fingerprint


def test_ids_and_names_in_any_form(ratings: Ratings, tmp_path: Path) -> None:
    path = tmp_path / "test.tsv"
    pairs = ratings.frame[["movieId", "userId"]][::10].astype("float64")
    pairs.set_axis(["film", "who"], axis=1).to_csv(path, sep="\t", index=False)
    names = {"user_column": "who", "item_column": "film"}
    split = Given(test=str(path), **names).split(ratings, seed=0)
    assert np.array_equal(split.test, np.arange(0, 3000, 10))
    with pytest.raises(DataError, match=r"no column userId; it has: film, who\. Set"):
        Given(test=str(path)).split(ratings, seed=0)


def test_wrong_lists(ratings: Ratings, lists: list[Path]) -> None:
    a, _, c = map(str, lists)
    with pytest.raises(DataError, match=r"1 of its 2 pairs are not among the ratings"):
        Given(test=c).split(ratings, seed=0)
    with pytest.raises(DataError, match=r"300 of its pairs are test pairs too. First:"):
        Given(test=a, valid=a).split(ratings, seed=0)
    with pytest.raises(DataError, match=r"split.test: there is no file x.csv"):
        Given(test="x.csv").split(ratings, seed=0)
    for wrong in ({}, {"test": a, "folds": (a,)}):
        with pytest.raises(ConfigError, match="test must name the file of the test pa"):
            Given(**wrong)
    with pytest.raises(ConfigError, match="fold must be below the number of folds, 1"):
        Given(test=a, fold=1)


def test_a_column_names_the_folds(ratings: Ratings) -> None:
    part = np.array(["train", "test", "valid", ""])[np.arange(3000) % 4]
    shuffled = ratings.frame.assign(fold=part).sample(frac=1, random_state=0)
    data = canonical("t", shuffled, ratings.movies, scale=(1, 5))
    assert data.frame.columns.tolist() == ratings.frame.columns.tolist()
    assert data.fingerprint == ratings.fingerprint
    assert sorted(data.official_tests) == ["test", "train", "valid"]
    split = Official(fold="test", valid_fold="valid").split(data, seed=0)
    assert np.array_equal(split.test, np.arange(1, 3000, 4))
    assert np.array_equal(split.valid, np.arange(2, 3000, 4))
    assert len(Official(fold="test").split(data, seed=0).valid) == round(2250 * 0.05)
    with pytest.raises(DataError, match="no official fold 'val'.*split.valid_fold="):
        Official(fold="test", valid_fold="val").split(data, seed=0)
    with pytest.raises(ConfigError, match="valid_fold must be another fold than fold"):
        Official(fold="test", valid_fold="test")


def test_ratings_of_several_files(csv_files: tuple[Path, Path], workdir: Path) -> None:
    whole = tabular(*csv_files).load()
    rows = pd.read_csv(csv_files[0])
    rows[::2].to_csv("one.csv", index=False)
    rows[1::2].to_csv("two.csv", index=False)
    several = tabular(*csv_files).replace(ratings=["one.csv", "two.csv"])
    found = several.load()
    assert found.fingerprint == whole.fingerprint
    rows.drop(columns="when").to_csv("two.csv", index=False)
    with pytest.raises(DataError, match=r"two.csv has the columns user, film"):
        several.load()
    with pytest.raises(ConfigError, match="ratings must name one file or more"):
        Tabular(ratings=[])


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("experiment", "n_test"),
    [("douban-monti/bias", 13_689), ("flixster-monti/bias", 2_617)],
)
def test_real_given_splits(experiment: str, n_test: int) -> None:
    import cfexp

    assert len(cfexp.compose(f"experiment={experiment}").load().split.test) == n_test
