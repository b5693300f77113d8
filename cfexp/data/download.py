"""Downloads of published datasets: hash-checked and atomic."""

import logging
from pathlib import Path

import pooch
from pooch.hashes import hash_matches

from cfexp.errors import DataError, first_line, root_of
from cfexp.runtime.cache import cache_dir

log = logging.getLogger(__name__)


def fetch(name: str, url: str, known_hash: str) -> Path:
    """Returns the path of a file in the cache, downloaded if missing or damaged.

    Pooch downloads to a temporary file, checks its hash and then renames it, so that
    an interrupted download leaves nothing behind. The hash of a cached file is checked
    too.

    Args:
        name: Name of the dataset; the file is called ``{name}.zip``.
        url: Address of the zip file.
        known_hash: ``algorithm:hex digits``.

    Raises:
        DataError: The server cannot be reached, or the hash differs.
    """
    pooch.get_logger().setLevel("WARNING")  # it would log the download a second time
    path = cache_dir() / f"{name}.zip"
    try:
        if path.exists():
            if hash_matches(str(path), known_hash):
                return path
            log.warning("%s is damaged: downloading it again", path)
        else:
            log.info("%s: downloading %s to %s", name, url, cache_dir())
        return Path(
            pooch.retrieve(
                url,
                known_hash,
                fname=path.name,
                path=path.parent,
                progressbar=False,
            )
        )
    except (OSError, ValueError) as error:
        raise DataError(
            f"{name}: cannot download {url}: {first_line(root_of(error))}. Without a"
            " network, get the zip file elsewhere and set dataset.root to it, or put it"
            " into the folder that CFEXP_DATA_DIR names."
        ) from error
