"""The state of the user's repository, and the packages."""

import importlib.metadata
import subprocess
from pathlib import Path

import pytest

from cfexp.runtime import process, provenance, xla_cache


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one commit."""
    monkeypatch.delenv(provenance.SOURCE_VARIABLE, raising=False)
    identity = ("-c", "user.name=a", "-c", "user.email=a@b")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    (tmp_path / "a.py").write_text("1\n")
    subprocess.run(["git", "add", "."], cwd=tmp_path, check=True)
    subprocess.run(["git", *identity, "commit", "-qm", "a"], cwd=tmp_path, check=True)
    return tmp_path


@pytest.mark.parametrize("is_own", [False, True])
def test_command_line_reads_the_repository_once(
    repository: Path, monkeypatch: pytest.MonkeyPatch, is_own: bool
) -> None:
    """A program of the user's, such as a notebook, may have imported newer code."""
    monkeypatch.setattr(process, "_is_own", is_own)
    provenance._state_at_first.cache_clear()
    before = provenance.git_state(repository)
    (repository / "a.py").write_text("2\n")
    after = provenance.git_state(repository)
    provenance._state_at_first.cache_clear()
    assert before
    assert after
    assert before.diff == ""
    assert after.diff == "" if is_own else "+2" in after.diff


def test_packages_are_those_that_are_installed() -> None:
    lines = provenance.all_packages().splitlines()
    assert lines == sorted(lines, key=lambda line: line.partition("==")[0])
    found = dict(line.split("==") for line in lines)
    for name in ("numpy", "hydra-core", "pyyaml"):
        assert found[name] == importlib.metadata.version(name)


def test_tensorflow_without_gpus_is_tensorflow(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its version is known, and it has its own folder of compiled programs."""
    monkeypatch.setenv("CFEXP_CACHE_DIR", str(tmp_path))
    real = importlib.metadata.version

    def version(name: str) -> str:
        if name == "tensorflow":
            raise importlib.metadata.PackageNotFoundError(name)
        return "2.21.9" if name == "tensorflow-cpu" else real(name)

    usual = xla_cache._own_folder().name
    monkeypatch.setattr(importlib.metadata, "version", version)
    assert provenance._versions.__wrapped__()["tensorflow"] == "2.21.9"
    name = xla_cache._own_folder().name
    assert name.startswith("xla-cpu-2.21.9-")
    assert usual.startswith(f"xla-{real('tensorflow')}-")
