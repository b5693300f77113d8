"""The sources of cfexp that are logged with each model, as one file.

MLflow copies the code of a model twice: of 200 files that takes longer than to train
a small model.
"""

import atexit
import shutil
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from cfexp.models import packed

PACKAGE = Path(__file__).parents[1]
# The module that MLflow imports to load a model; not one of `cfexp`, which may be
# another version there.
LOADER = "load_cfexp_model"
SOURCES = (".py", ".pyi")


@cache
def code_paths() -> Sequence[Path]:
    """Returns the files that each model of this process needs, made when first used."""
    folder = Path(tempfile.mkdtemp(prefix="cfexp-code-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    archive, loader = folder / packed.ARCHIVE, folder / f"{LOADER}.py"
    with ZipFile(archive, "w", ZIP_DEFLATED) as file:
        for path in sorted(PACKAGE.rglob("*")):
            if path.suffix in SOURCES:
                name = path.relative_to(PACKAGE.parent).as_posix()
                file.writestr(ZipInfo(name), path.read_bytes(), ZIP_DEFLATED)
    shutil.copyfile(packed.__file__, loader)
    return archive, loader
