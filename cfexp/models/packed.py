"""Loads a logged model with the sources of cfexp that lie beside this file, packed.

MLflow copies this module and `ARCHIVE` into each model, so that it can be served where
cfexp is not installed, and calls `_load_pyfunc`. It imports nothing of cfexp before
the archive is unpacked.
"""

import atexit
import importlib
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

ARCHIVE = "cfexp.zip"


def _load_pyfunc(path: str) -> Any:
    if "cfexp" not in sys.modules:
        folder = tempfile.mkdtemp(prefix="cfexp-code-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        shutil.unpack_archive(Path(__file__).with_name(ARCHIVE), folder)
        sys.path.insert(0, folder)
    return importlib.import_module("cfexp.models.serving")._load_pyfunc(path)
