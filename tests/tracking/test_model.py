"""Models as MLflow logs them."""

from pathlib import Path

from helpers import FITTED, python


def test_logging_the_model_starts_no_second_python(workdir: Path) -> None:
    code = """
import sys
started = []
def hook(event, arguments):
    if event in ("subprocess.Popen", "os.posix_spawn", "os.fork", "os.exec"):
        started.append(str(arguments[:2]))
sys.addaudithook(hook)
from cfexp.cli import run_cli
code = run_cli()
print("STARTED", [s for s in started if "python" in s], code)
"""
    done = python(code, *FITTED, cwd=workdir)
    assert "STARTED [] 0" in done.stdout, done.stdout + done.stderr
