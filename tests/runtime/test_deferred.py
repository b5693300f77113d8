"""Modules are imported when they are first used."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import SMALL, python

from cfexp.runtime.deferred import deferred


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A library `big` that imports `big.slow`, of which `big.other` has a copy."""
    folder = tmp_path / "big"
    (folder / "slow").mkdir(parents=True)
    (folder / "__init__.py").write_text("from big import slow\n")
    (folder / "other.py").write_text("from big import slow as mine\n")
    (folder / "user.py").write_text("from big.slow import value\n")
    (folder / "slow/__init__.py").write_text("value = 7\n")
    (folder / "slow/part.py").write_text("value = 8\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "big"]:
        del sys.modules[name]


@pytest.mark.usefixtures("library")
def test_deferred_module_is_imported_when_it_is_used() -> None:
    finders = list(sys.meta_path)
    with deferred(["big.slow"]):
        big, other = map(importlib.import_module, ("big", "big.other"))
        importlib.import_module("big.slow")
    assert sys.meta_path == finders
    assert "big.slow" not in sys.modules
    assert other.mine.value == 7
    slow = sys.modules["big.slow"]
    assert vars(slow)["value"] == 7
    assert big.slow is slow
    assert "value" in dir(other.mine)
    assert importlib.import_module("big.slow.part").value == 8


@pytest.mark.usefixtures("library")
def test_module_that_is_used_at_once_is_imported_at_once() -> None:
    with deferred(["big.slow"]):
        user = importlib.import_module("big.user")
        assert user.value == 7
        assert vars(sys.modules["big.slow"])["value"] == 7
    assert sys.modules["big.slow"].value == 7


@pytest.mark.usefixtures("library")
def test_import_after_the_block_is_as_usual() -> None:
    with deferred(["big.slow"]):
        importlib.import_module("big")
    assert vars(importlib.import_module("big.slow"))["value"] == 7
    with pytest.raises(AttributeError, match="has no attribute 'absent'"):
        _ = sys.modules["big"].slow.absent


USED = """
import sys
from cfexp.cli import run_arguments
print("CODE", run_arguments())
SLOW = ("sklearn", "scipy.stats", "matplotlib.pyplot")
print("BEFORE", [m for m in SLOW if m in sys.modules])
import keras, sklearn.base, tensorflow as tf
for wrappers in (tf.keras.wrappers, keras.wrappers):
    assert issubclass(wrappers.SKLearnClassifier, sklearn.base.BaseEstimator)
from keras.wrappers import SKLearnRegressor
keras.visualization.plot_image_gallery
import matplotlib.pyplot
print("AFTER", keras.src.visualization.plot_image_gallery.plt is matplotlib.pyplot)
"""


@pytest.mark.slow
def test_command_line_imports_neither_scikit_learn_nor_pyplot(workdir: Path) -> None:
    done = python(USED, "model=dot", *SMALL, cwd=workdir)
    for line in ("CODE 0", "BEFORE []", "AFTER True"):
        assert line in done.stdout.splitlines(), done.stderr


@pytest.mark.slow
def test_program_of_the_user_gets_the_whole_of_keras(workdir: Path) -> None:
    code = (
        "import sys; from cfexp.runtime import tensorflow; tensorflow.start()\n"
        "print([m for m in ('sklearn', 'matplotlib.pyplot') if m in sys.modules])"
    )
    done = python(code, cwd=workdir)
    assert done.stdout == "['sklearn', 'matplotlib.pyplot']\n", done.stderr
