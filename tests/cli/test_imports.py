"""What a command does not import."""

from pathlib import Path

import pytest
from helpers import SMALL, python

pytestmark = pytest.mark.slow

HEAVY = ("tensorflow", "keras", "mlflow", "sklearn", "pandas", "numpy", "pydantic")


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


def test_package_imports_nothing_heavy(workdir: Path) -> None:
    heavy = (*HEAVY, "hydra", "omegaconf", "rich", "cfexp.errors")
    code = (
        "import sys, cfexp; dir(cfexp); cfexp.data; cfexp.__version__\n"
        f"print('HEAVY', [m for m in {heavy} if m in sys.modules])\n"
        "cfexp.compose('model=ncf'); cfexp.fit; cfexp.train; cfexp.load\n"
        "late = ('tensorflow', 'keras', 'mlflow', 'sklearn', 'matplotlib.pyplot')\n"
        "print('LATE', [m for m in late if m in sys.modules])"
    )
    done = python(code, cwd=workdir)
    assert done.stdout == "HEAVY []\nLATE []\n", done.stderr


@pytest.mark.parametrize(
    ("status", "arguments"),
    [
        (0, ["model=bias"]),
        (1, ["model=svdpp", "training.strategy=mirrored"]),
    ],
    ids=["baseline", "histories on several devices"],
)
def test_no_need_of_tensorflow(
    workdir: Path, status: int, arguments: list[str]
) -> None:
    code = (
        "import sys; from cfexp.cli import run_cli\n"
        "code = run_cli(); print('TF', 'tensorflow' in sys.modules, code)"
    )
    done = python(code, *arguments, *SMALL, cwd=workdir)
    assert f"TF False {status}" in done.stdout
