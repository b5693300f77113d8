"""The sources that each logged model carries."""

from pathlib import Path
from zipfile import ZipFile

import cfexp
from cfexp.tracking.code import code_paths


def test_archive_holds_every_source_and_nothing_else() -> None:
    archive, loader = code_paths()
    package = Path(cfexp.__file__).parent
    sources = {
        path.relative_to(package.parent).as_posix(): path.read_text()
        for path in package.rglob("*.py*")
        if "__pycache__" not in path.parts and path.name != "py.typed"
    }
    with ZipFile(archive) as file:
        packed = {name: file.read(name).decode() for name in file.namelist()}
    assert packed == sources
    assert "cfexp/data/__init__.pyi" in packed
    assert loader.read_text() == sources["cfexp/models/packed.py"]
