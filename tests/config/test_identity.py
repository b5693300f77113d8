"""The hash of the code that makes the numbers, and names of runs."""

import json
import shutil
from pathlib import Path

import pytest

from cfexp.config import identity


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of a part of cfexp, whose code is counted."""
    (tmp_path / "cfexp/config").mkdir(parents=True)
    source = Path(identity.__file__).parents[1] / "evaluation"
    shutil.copytree(source, tmp_path / "cfexp/evaluation")
    monkeypatch.setattr(identity, "__file__", str(tmp_path / "cfexp/config/x.py"))
    monkeypatch.setattr(identity, "NUMBERS", ("evaluation",))
    monkeypatch.setenv("CFEXP_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cfexp/evaluation"


def version() -> str:
    """Returns the hash as the next process would."""
    identity._own_code.cache_clear()
    try:
        return identity._own_code()
    finally:
        identity._own_code.cache_clear()


def test_code_is_parsed_once(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = version()
    with monkeypatch.context() as patch:
        patch.setattr(identity, "_named_code", None)
        assert version() == first


def test_change_of_the_code_is_seen(package: Path) -> None:
    first, file = version(), package / "metrics.py"
    file.write_text(file.read_text() + "\n# A comment.\n")
    assert version() == first
    file.write_text(file.read_text() + "\nOTHER = 1\n")
    changed = version()
    file.write_text(file.read_text().replace("OTHER = 1", "OTHER = 2"))
    assert len({first, changed, version()}) == 3


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"source": 1}'])
def test_damaged_file_is_written_anew(package: Path, text: str) -> None:
    first, kept = version(), package.parents[1] / "cache/code.json"
    whole = json.loads(kept.read_text())
    kept.write_text(text)
    assert version() == first
    assert json.loads(kept.read_text()) == whole


def test_cache_that_cannot_be_written(package: Path) -> None:
    (package.parents[1] / "cache").write_text("a file where the folder would be")
    assert version() == version()


def test_names_say_first_what_varies() -> None:
    """And no folder of the data's files."""
    overrides = ["dataset=csv", "dataset.file=/a/b/r.csv", "model=dot", "seed=1"]
    shared = {"dataset=csv", "dataset.file=/a/b/r.csv"}
    named = identity.run_name("dot", overrides, shared=shared)
    assert named == "model=dot seed=1 dataset=csv dataset.file=r.csv"
    assert (
        identity.run_name("ncf", ["tracking=none"], shared={"tracking=none"}) == "ncf"
    )
