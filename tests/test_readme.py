"""README's first run comes out as it says; its script, as a type checker sees it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import ROOT, cfexp, ok
from snippets import blocks, check_printed

README = (ROOT / "README.md").read_text()
(SCRIPT,) = [b.text for b in blocks(ROOT / "docs/python.md") if b.kind == "python"]
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


@pytest.mark.long
@pytest.mark.slow
def test_first_run(workdir: Path) -> None:
    done = ok(cfexp("model=ncf", "embed_dim=64", cwd=workdir))
    (told,) = [b.text for b in blocks(ROOT / "README.md") if b.kind == "text"]
    check_printed(told, done.stdout)


def test_short_with_the_two_commands() -> None:
    """.ci/run does the same as the second one."""
    assert README.count("\n") <= 150
    commands = [b.text for b in blocks(ROOT / "README.md") if b.reason == "network"]
    assert ["pip install -e . &&" in one for one in commands] == [True, False]
    assert commands[1].split(" && ")[1].strip() in (ROOT / ".ci/run").read_text()


def test_links_of_pages_outside_the_site_lead_somewhere() -> None:
    """Sphinx checks those of docs/."""
    for name in ("README.md", "CONTRIBUTING.md"):
        links = re.findall(r"\]\(([^)#]+)[^)]*\)", (ROOT / name).read_text())
        local = [link for link in links if not link.startswith("http")]
        assert local, name
        assert [link for link in local if not (ROOT / link).exists()] == []
