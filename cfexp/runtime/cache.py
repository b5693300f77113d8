"""The folder of downloads, generated data and compiled programs."""

import os
from pathlib import Path


def cache_dir() -> Path:
    """Returns the cache folder: ``CFEXP_CACHE_DIR`` if set, else the user's own."""
    if folder := os.environ.get("CFEXP_CACHE_DIR"):
        return Path(folder)
    import platformdirs  # which serving a model does not need

    return Path(platformdirs.user_cache_dir("cfexp"))
