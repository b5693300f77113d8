"""What a command does not import."""

from pathlib import Path

import pytest
from helpers import SMALL, python

pytestmark = pytest.mark.slow

HEAVY = ("tensorflow", "keras", "mlflow", "sklearn", "pandas")


@pytest.mark.parametrize("arguments", [["--help"], ["--cfg", "job"]])
def test_help_imports_nothing_heavy(workdir: Path, arguments: list[str]) -> None:
    code = (
        "import sys; from cfexp.cli import run_cli\n"
        "code = run_cli()\n"
        f"print('HEAVY', [m for m in {HEAVY} if m in sys.modules], code)"
    )
    done = python(code, *arguments, cwd=workdir)
    assert "HEAVY [] 0" in done.stdout
    assert "embed_dim" in done.stdout


def test_baseline_needs_no_tensorflow(workdir: Path) -> None:
    code = (
        "import sys; from cfexp.cli import run_cli\n"
        "code = run_cli(); print('TF', 'tensorflow' in sys.modules, code)"
    )
    done = python(code, "model=bias", *SMALL, cwd=workdir)
    assert "TF False 0" in done.stdout
