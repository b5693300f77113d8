"""The MovieLens datasets in their published formats, from a folder or zip file."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from cfexp.data.cache import cached, file_state
from cfexp.data.checks import scale_problems
from cfexp.data.dataset import Dataset
from cfexp.data.movielens_files import FORMATS, Source, folds
from cfexp.data.published import PUBLISHED
from cfexp.data.ratings import Ratings, canonical, with_users
from cfexp.data.tables import UNREADABLE, reason, strict_rows
from cfexp.errors import DataError, did_you_mean
from cfexp.runtime.cache import cache_dir
from cfexp.spec import NO_EFFECT, SpecError


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
        files = FORMATS[self.format]
        source = Source(path, files.ratings)
        try:
            with strict_rows():
                raw = files.read(source, self.name)
        except UNREADABLE as error:
            raise DataError(
                f"{self.name}: cannot read {source.path}: {reason(error)}. Delete"
                " it to have it downloaded again, or set dataset.root to a good copy."
            ) from error
        low, high = self.scale
        data = canonical(self.name, raw.ratings, raw.movies, scale=(low, high))
        if raw.users is not None:
            data = with_users(data, raw.users)
        return replace(data, official_tests=folds(source, data))

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
        if place := self._unpacked():
            return place
        from cfexp.data.download import fetch  # imports pooch, which warns in notebooks

        return fetch(self.name, self.url, self.hash)

    def present(self) -> Path | None:
        """Returns where the dataset lies on this machine; None if nowhere.

        `root` is not looked at, and the hash of a downloaded file is not checked.
        """
        downloaded = cache_dir() / f"{self.name}.zip"
        return self._unpacked() or (downloaded if downloaded.exists() else None)

    def _unpacked(self) -> Path | None:
        places = [cache_dir() / self.name]
        if os.environ.get("CFEXP_DATA_DIR"):
            own = Path(os.environ["CFEXP_DATA_DIR"]).expanduser()
            places = [own / self.name, own / f"{self.name}.zip", *places]
        return next((place for place in places if place.exists()), None)


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
