"""Models as MLflow logs them."""

import sys
from pathlib import Path

import pytest
from helpers import FITTED, cfexp, ok

from cfexp.models import reloaded, serving
from cfexp.runtime.memo import Memo

pytestmark = pytest.mark.slow

STARTS = ("subprocess.Popen", "os.posix_spawn", "os.fork", "os.exec")


def test_logging_the_model_loads_it_once_and_starts_no_second_python(
    workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []
    loaded: list[Path] = []
    load, path = serving._load_pyfunc, list(sys.path)

    def load_pyfunc(folder: Path) -> serving.ServedModel:
        loaded.append(folder)
        return load(folder)

    monkeypatch.setattr(serving, "_load_pyfunc", load_pyfunc)
    monkeypatch.setattr(reloaded, "_differences", Memo(keep=4))  # none is known yet
    listening = [True]

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if listening and event in STARTS:
            started.append(str(arguments[:2]))

    sys.addaudithook(hook)  # for good
    try:
        ok(cfexp(*FITTED, cwd=workdir))
    finally:
        listening.clear()
    assert any("git" in command for command in started)  # which it does start
    assert not [command for command in started if "python" in command]
    assert len(loaded) == 1
    assert sys.path == path
