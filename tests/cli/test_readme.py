"""The README's first run and its example come out as it says."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
from helpers import ROOT, cfexp, ok

pytestmark = pytest.mark.slow
README = (ROOT / "README.md").read_text()


def section(title: str) -> str:
    """Returns the text below a heading."""
    return README.split(f"\n## {title}\n")[1].split("\n## ")[0]


def cells(text: str) -> list[list[str]]:
    """Returns the cells of each row of the tables in a text."""
    rows = re.findall(r"^ *│(.*)│$", text, re.MULTILINE)
    return [[cell.strip() for cell in row.split("│")] for row in rows]


def check_printed(told: str, printed: str) -> None:
    """Checks that each row of `told` was printed, its numbers but for 0.02 stars."""
    rows = cells(told)
    assert rows
    found = {cs[0]: cs for cs in cells(printed)}
    for first, *others in rows:
        assert first in found, printed
        for expected, value in zip(others, found[first][1:], strict=True):
            if re.fullmatch(r"\d\.\d+|.*%", expected):  # stars, or a percentage
                tolerance = 2 if expected.endswith("%") else 0.02
                number = pytest.approx(float(expected.rstrip("%")), abs=tolerance)
                assert float(value.rstrip("%")) == number, printed
            else:
                assert value == expected, printed


def test_first_run(workdir: Path) -> None:
    done = ok(cfexp("model=ncf", "embed_dim=64", cwd=workdir))
    check_printed(section("First run"), done.stdout)


def test_own_data(workdir: Path) -> None:
    """Its commands, one by one: the program that makes the data, then cfexp."""
    text = section("Your own data")
    _, script, _, told, *_ = re.split("```(?:bash)?\n", text)
    make, commands = script.split("\nEND\n")
    subprocess.run(["sh", "-ec", f"{make}\nEND"], cwd=workdir, check=True)
    printed = ""
    for command in commands.splitlines():
        name, *arguments = shlex.split(command)
        assert name == "cfexp"
        printed += ok(cfexp(*arguments, cwd=workdir)).stdout
    check_printed(told, printed)
