"""Models as MLflow logs them."""

import sys
from pathlib import Path

import pytest
from helpers import FITTED, cfexp, ok

pytestmark = pytest.mark.slow

STARTS = ("subprocess.Popen", "os.posix_spawn", "os.fork", "os.exec")


def test_logging_the_model_starts_no_second_python(workdir: Path) -> None:
    started: list[str] = []
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
