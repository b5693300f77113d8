"""The folder of downloads, generated data and compiled programs."""

import os
from pathlib import Path

import platformdirs


def cache_dir() -> Path:
    """Returns where downloads and generated data are kept.

    ``CFEXP_CACHE_DIR`` where it is set, else the user's cache folder.
    """
    return Path(
        os.environ.get("CFEXP_CACHE_DIR") or platformdirs.user_cache_dir("cfexp")
    )
