"""The published datasets: which are on this machine, and whether they are whole."""

import os
from collections.abc import Iterator
from pathlib import Path

from cfexp.checkup.finding import Finding, note, wrong
from cfexp.data.published import PUBLISHED
from cfexp.errors import DataError
from cfexp.runtime.cache import cache_dir
from cfexp.spec import SpecError


def datasets() -> Iterator[Finding]:
    """Looks for the datasets where a run would."""
    from cfexp.data.movielens import MovieLens
    from cfexp.data.movielens_files import FORMATS, Source

    yield from _own_folder()
    missing = []
    for name in PUBLISHED:
        dataset = MovieLens(name)
        place = dataset.present()
        if place is None:
            missing.append(name)
            continue
        try:
            Source(place, FORMATS[dataset.format].ratings)
        except (DataError, SpecError, OSError) as error:
            yield wrong(name, str(error), f"remove or replace {place}")
        else:
            yield Finding(name, str(place))
    yield Finding("movietweetings", "in the package")
    if missing:
        said = f"not here, downloaded when first used: {', '.join(missing)}"
        yield note("datasets", said)
    parsed = len(list(cache_dir().glob("ratings-*")))
    yield Finding("parsed", f"{parsed} datasets in {cache_dir()}")


def _own_folder() -> Iterator[Finding]:
    folder = os.environ.get("CFEXP_DATA_DIR")
    if not folder:
        return
    if Path(folder).expanduser().is_dir():
        yield Finding("CFEXP_DATA_DIR", folder)
    else:
        yield wrong(
            "CFEXP_DATA_DIR",
            f"{folder} is not a folder",
            "set it to the folder that holds ml-100k and so on, or unset it",
        )
