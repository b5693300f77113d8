"""The files of the MovieLens datasets: names, formats, and how they are read."""

import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from cfexp.data.pairs import rows_of_pairs
from cfexp.data.ratings import (
    GENRES,
    ITEM,
    RATING,
    TIMESTAMP,
    TITLE,
    USER,
    IntArray,
    Ratings,
)
from cfexp.errors import DataError

RATING_COLUMNS = [USER, ITEM, RATING, TIMESTAMP]
AGE, GENDER, OCCUPATION, ZIP, REGION = "age", "gender", "occupation", "zip", "region"
YEAR = "year"
# Of ml-1m, by number, as its README lists them.
OCCUPATIONS = (
    *("other", "academic/educator", "artist", "clerical/admin"),
    *("college/grad student", "customer service", "doctor/health care"),
    *("executive/managerial", "farmer", "homemaker", "K-12 student", "lawyer"),
    *("programmer", "retired", "sales/marketing", "scientist", "self-employed"),
    *("technician/engineer", "tradesman/craftsman", "unemployed", "writer"),
)


class Raw(NamedTuple):
    """The tables of a dataset, before they are checked."""

    ratings: pd.DataFrame
    movies: pd.DataFrame
    users: pd.DataFrame | None = None


class Source:
    """Opens a dataset's files by name, in any subfolder of a folder or zip file."""

    def __init__(self, path: Path, required: str):
        self.path = path
        if path.is_dir():
            names: dict[str, Path | str] = {
                p.name: p for p in sorted(path.rglob("*"), reverse=True)
            }
        elif zipfile.is_zipfile(path):
            self._archive = zipfile.ZipFile(path)
            names = {Path(name).name: name for name in self._archive.namelist()}
        else:
            raise DataError(
                f"{path} is neither a folder nor a zip file. Set dataset.root to the"
                f" folder or zip file that holds {required}."
            )
        self.names = names
        if required not in names:
            raise DataError(
                f"{path} holds no {required}. It holds: {', '.join(sorted(names)[:10])}"
                f". Set dataset.root to the folder or zip file that holds {required}."
            )

    def open(self, name: str):  # type: ignore[no-untyped-def]
        if name not in self.names:
            raise DataError(f"{self.path} holds no {name}. Get a complete copy.")
        found = self.names[name]
        return found if isinstance(found, Path) else self._archive.open(found)


_read_csv = partial(pd.read_csv, index_col=False)


def _read_tab(source: Source, name: str) -> Raw:
    genres = _read_csv(source.open("u.genre"), sep="|", names=[GENRES, "index"])
    names = list(genres[GENRES])
    movies = _read_csv(
        source.open("u.item"),
        sep="|",
        encoding="latin-1",
        names=[ITEM, TITLE, "release", "video", "url", *names],
    )
    flags = movies[names].to_numpy(bool)
    movies[GENRES] = ["|".join(genres[GENRES][row]) for row in flags]
    movies[YEAR] = pd.to_numeric(movies["release"].astype("str").str[-4:], "coerce")
    users = None
    if "u.user" in source.names:  # not in every copy
        columns = [USER, AGE, GENDER, OCCUPATION, ZIP]
        kinds = {ZIP: "str"}
        users = _read_csv(source.open("u.user"), sep="|", names=columns, dtype=kinds)
        users = _with_region(users)
    ratings = _read_tab_ratings(source, "u.data")
    return Raw(ratings, movies[[ITEM, TITLE, GENRES, YEAR]], users)


def _read_dat(source: Source, name: str) -> Raw:
    encoding = "latin-1" if name == "ml-1m" else "utf-8"

    def read(file: str, columns: list[str]) -> pd.DataFrame:
        # A one-character separator keeps pandas' fast parser; titles hold no tab.
        opened = source.open(file)
        data = opened.read_bytes() if isinstance(opened, Path) else opened.read()
        return _read_csv(
            BytesIO(data.replace(b"::", b"\t")),
            sep="\t",
            names=columns,
            encoding=encoding,
            dtype={ZIP: "str"},
        )

    users = None
    if "users.dat" in source.names:  # of ml-1m only
        users = read("users.dat", [USER, GENDER, AGE, OCCUPATION, ZIP])
        users[OCCUPATION] = [OCCUPATIONS[number] for number in users[OCCUPATION]]
        users = _with_region(users)
    movies = read("movies.dat", [ITEM, TITLE, GENRES])
    return Raw(read("ratings.dat", RATING_COLUMNS), with_year(movies), users)


def _read_plain(source: Source, name: str) -> Raw:
    movies = _read_csv(source.open("movies.csv"))
    return Raw(_read_csv(source.open("ratings.csv")), with_year(movies))


def with_year(movies: pd.DataFrame) -> pd.DataFrame:
    """Adds the year in parentheses at the end of a title: ``Heat (1995)``."""
    year = movies[TITLE].astype("str").str.extract(r"\((\d{4})\)\s*$")[0]
    return movies.assign(**{YEAR: pd.to_numeric(year)})


def _with_region(users: pd.DataFrame) -> pd.DataFrame:
    """Adds the first digit of a US zip code; whole codes hardly repeat.

    It stands for some neighbouring states.
    """
    first = users[ZIP].str.strip().str[0]
    return users.assign(**{REGION: first.where(first.str.isdigit(), "abroad")})


def _read_tab_ratings(source: Source, name: str) -> pd.DataFrame:
    return _read_csv(source.open(name), sep="\t", names=RATING_COLUMNS)


@dataclass(frozen=True)
class Files:
    """One format.

    Attributes:
        ratings: Name of the file of ratings.
        read: Reads the tables of a dataset of this name.
    """

    ratings: str
    read: Callable[[Source, str], Raw]


FORMATS = {
    "tab": Files("u.data", _read_tab),
    "dat": Files("ratings.dat", _read_dat),
    "csv": Files("ratings.csv", _read_plain),
}


def folds(source: Source, data: Ratings) -> dict[str, IntArray]:
    """Returns the published test folds: ``u1.test`` is fold ``1``."""
    names = [
        n for n in source.names if n.endswith(".test") and len(n) == len("u1.test")
    ]
    return {
        name[1]: rows_of_pairs(data, _read_tab_ratings(source, name))
        for name in sorted(names)
    }
