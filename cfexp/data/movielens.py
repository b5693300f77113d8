"""The MovieLens datasets in their published formats, from a folder or zip file."""

import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Annotated, Any, Literal

import pandas as pd

from cfexp.data.cache import cached, file_state
from cfexp.data.checks import scale_problems
from cfexp.data.dataset import Dataset
from cfexp.data.published import PUBLISHED
from cfexp.data.ratings import (
    GENRES,
    ITEM,
    RATING,
    TIMESTAMP,
    TITLE,
    USER,
    IntArray,
    Ratings,
    canonical,
    rows_of_pairs,
)
from cfexp.data.tables import UNREADABLE, reason, strict_rows
from cfexp.errors import DataError, did_you_mean
from cfexp.runtime.cache import cache_dir
from cfexp.spec import NO_EFFECT, SpecError

RATING_COLUMNS = [USER, ITEM, RATING, TIMESTAMP]


@dataclass(frozen=True)
class _Files:
    """The names of one format's ratings and movies files."""

    ratings: str
    movies: str


FORMATS = {
    "tab": _Files("u.data", "u.item"),
    "dat": _Files("ratings.dat", "movies.dat"),
    "csv": _Files("ratings.csv", "movies.csv"),
}


class MovieLens(Dataset):
    """A dataset of GroupLens (Harper and Konstan, 2015, The MovieLens Datasets).

    Args:
        name: Name of the dataset.
        values: Other fields, as below; the defaults are those of the published dataset.

    Attributes:
        name: Name of the dataset and of its folder or zip file.
        format: ``tab`` (ml-100k), ``dat`` (ml-1m, ml-10m) or ``csv`` (the others).
        scale: Lowest and highest rating.
        url: Where GroupLens publishes the zip file.
        hash: Its hash, as ``sha256:...``.
        root: Folder or zip file to read. None: ``CFEXP_DATA_DIR``, then the download
            cache are searched; if neither has the dataset, it is downloaded.
    """

    name: str
    format: Literal["tab", "dat", "csv"]
    scale: tuple[float, ...]
    url: str
    hash: str
    root: Annotated[str | None, NO_EFFECT] = None

    def __init__(self, name: str = "ml-100k", **values: Any):
        known = _published(name, values)
        super().__init__(name=name, **{**known, **values})  # type: ignore[call-arg]

    def problems(self) -> list[str]:
        return scale_problems(self.scale)

    def load(self) -> Ratings:
        """Reads the dataset, downloading it first if needed.

        Raises:
            DataError: The files are missing, unreadable or not as published.
        """
        path = self.locate()
        return cached(self, file_state(path), lambda: self._parse(path))

    def _parse(self, path: Path) -> Ratings:
        source = _Source(path, FORMATS[self.format].ratings)
        try:
            with strict_rows():
                ratings, movies = self._read(source)
        except UNREADABLE as error:
            raise DataError(
                f"{self.name}: cannot read {source.path}: {reason(error)}. Delete"
                " it to have it downloaded again, or set dataset.root to a good copy."
            ) from error
        low, high = self.scale
        data = canonical(self.name, ratings, movies, scale=(low, high))
        return Ratings(
            data.name, data.frame, data.movies, data.scale, _folds(source, data)
        )

    def locate(self) -> Path:
        """Returns the folder or zip file, downloading it first if needed.

        Raises:
            DataError: `root` does not exist, or the download failed.
        """
        if self.root is not None:
            root = Path(self.root).expanduser()
            if not root.exists():
                raise DataError(
                    f"{self.name}: dataset.root={self.root} does not exist. Give the"
                    f" folder or zip file that holds {FORMATS[self.format].ratings}."
                )
            return root
        places = [cache_dir() / self.name]
        if os.environ.get("CFEXP_DATA_DIR"):
            own = Path(os.environ["CFEXP_DATA_DIR"]).expanduser()
            places = [own / self.name, own / f"{self.name}.zip", *places]
        for place in places:
            if place.exists():
                return place
        from cfexp.data.download import fetch  # imports pooch, which warns in notebooks

        return fetch(self.name, self.url, self.hash)

    def _read(self, source: "_Source") -> tuple[pd.DataFrame, pd.DataFrame]:
        files = FORMATS[self.format]
        if self.format == "tab":
            ratings = _read_tab(source, files.ratings)
            genres = _read_csv(
                source.open("u.genre"), sep="|", names=[GENRES, "index"]
            )[GENRES]
            movies = _read_csv(
                source.open(files.movies),
                sep="|",
                encoding="latin-1",
                names=[ITEM, TITLE, "release", "video", "url", *genres],
            )
            flags = movies[list(genres)].to_numpy(bool)
            movies[GENRES] = ["|".join(genres[row]) for row in flags]
            return ratings, movies
        if self.format == "dat":
            encoding = "latin-1" if self.name == "ml-1m" else "utf-8"
            return (
                _read_dat(source, files.ratings, RATING_COLUMNS, encoding),
                _read_dat(source, files.movies, [ITEM, TITLE, GENRES], encoding),
            )
        return (
            _read_csv(source.open(files.ratings)),
            _read_csv(source.open(files.movies)),
        )


def _published(name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the default fields of a published dataset.

    Raises:
        SpecError: The dataset is not published, and `values` lack a field.
    """
    if isinstance(name, str) and name in PUBLISHED:
        format_, scale, sha256 = PUBLISHED[name]
        url = f"https://files.grouplens.org/datasets/movielens/{name}.zip"
        known = {"format": format_, "scale": scale, "url": url}
        return known | {"hash": f"sha256:{sha256}"}
    missing = [key for key in ("format", "scale", "url", "hash") if key not in values]
    if not missing:
        return {}
    raise SpecError(
        f"name={name} is not a published dataset{did_you_mean(str(name), PUBLISHED)}:"
        f" choose one of {', '.join(PUBLISHED)}, or set {', '.join(missing)} too"
    )


class _Source:
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


def _read_tab(source: _Source, name: str) -> pd.DataFrame:
    return _read_csv(source.open(name), sep="\t", names=RATING_COLUMNS)


def _read_dat(
    source: _Source, name: str, columns: list[str], encoding: str
) -> pd.DataFrame:
    # A one-character separator keeps pandas' fast parser; titles hold no tab.
    opened = source.open(name)
    data = opened.read_bytes() if isinstance(opened, Path) else opened.read()
    return _read_csv(
        BytesIO(data.replace(b"::", b"\t")), sep="\t", names=columns, encoding=encoding
    )


def _folds(source: _Source, data: Ratings) -> dict[str, IntArray]:
    """Returns the published test folds: ``u1.test`` is fold ``1``."""
    names = [
        n for n in source.names if n.endswith(".test") and len(n) == len("u1.test")
    ]
    return {
        name[1]: rows_of_pairs(data, _read_tab(source, name)) for name in sorted(names)
    }
