"""The README's first run, example and script come out as it says."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import ROOT, cfexp, ok

README = (ROOT / "README.md").read_text()


def section(title: str) -> str:
    """Returns the text below a heading."""
    return README.split(f"\n## {title}\n")[1].split("\n## ")[0]


(SCRIPT,) = re.findall(r"```python\n(.*?)```", section("Python"), re.S)
TYPED = """
from typing import assert_type

assert_type(cfexp.fit(ratings).test.rmse, float)
assert_type(experiment.run().skill_vs_bias, float)
assert_type(cfexp.compose("model=dot"), cfexp.Experiment)
assert_type(cfexp.load("best"), cfexp.models.Predictor)
assert_type(outcome.result, cfexp.Result | None)
"""
WRONG = """
cfexp.models.Ncf(embed_dimm=16)
cfexp.train(experiment, tracking=3)
"""


@pytest.mark.slow
def test_script_runs(workdir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(SCRIPT, "README.md", "exec"), {"__name__": "__main__"})
    said = capsys.readouterr().out
    assert "ncf on frames: test RMSE" in said
    assert "mean over users" in said
    assert re.search(r"split=kfold|KFold|mine", said)
    assert (workdir / "mlflow.db").exists()
    (model,) = workdir.glob("outputs/*/*/model/origin.json")
    assert model.exists()


@pytest.mark.long
@pytest.mark.slow
def test_types_are_right_for_users(tmp_path: Path) -> None:
    """As a type checker sees the package that is installed; py.typed lies beside it."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT + TYPED + WRONG)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent"]
        + ["--config-file=", f"--cache-dir={ROOT / '.mypy_cache/users'}", str(script)],
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    lines = (SCRIPT + TYPED).count("\n")
    found = re.findall(r"script.py:(\d+): error: .*\[(.+)\]", done.stdout)
    assert found == [(str(lines + 2), "call-arg"), (str(lines + 3), "arg-type")], (
        done.stdout
    )


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


@pytest.mark.long
@pytest.mark.slow
def test_first_run(workdir: Path) -> None:
    done = ok(cfexp("model=ncf", "embed_dim=64", cwd=workdir))
    check_printed(section("First run"), done.stdout)


@pytest.mark.slow
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
