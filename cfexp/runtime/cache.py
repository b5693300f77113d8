"""The folder of downloads, generated data and compiled programs."""

import os
from pathlib import Path

import platformdirs


def cache_dir() -> Path:
    """Returns the cache folder: ``CFEXP_CACHE_DIR`` if set, else the user's own."""
    return Path(
        os.environ.get("CFEXP_CACHE_DIR") or platformdirs.user_cache_dir("cfexp")
    )
