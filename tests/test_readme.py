"""The script in the README, as it stands."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import ROOT

SECTION = re.search(r"\n## Python\n(.*?)\n## ", (ROOT / "README.md").read_text(), re.S)
assert SECTION
(SCRIPT,) = re.findall(r"```python\n(.*?)```", SECTION[1], re.S)
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
