"""The command ``cfexp doctor``."""

import json
from pathlib import Path

import pytest
from helpers import cfexp, python


def test_exit_status_and_words(workdir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CFEXP_DATA_DIR", "")
    done = cfexp("doctor", "--quick", cwd=workdir)
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1] == "cfexp doctor: nothing is wrong"
    monkeypatch.setenv("CFEXP_DATA_DIR", "nope")
    done = cfexp("doctor", "--quick", cwd=workdir)
    assert done.returncode == 1
    assert "CFEXP_DATA_DIR  WRONG  nope is not a folder\n" in done.stdout
    assert " are wrong" in done.stdout.splitlines()[-1]
    done = cfexp("doctor", "--quick", "--json", cwd=workdir)
    assert done.returncode == 1
    said = json.loads(done.stdout)
    assert said["ok"] is False
    (bad,) = (one for one in said["findings"] if one["state"] == "wrong")
    assert bad["name"] == "CFEXP_DATA_DIR"
    assert bad["fix"]
    assert not (workdir / "mlflow.db").exists()


def test_options_are_of_tracking(workdir: Path) -> None:
    done = cfexp("doctor", "--quick", "tracking.uri=sqlite:////no/x.db", cwd=workdir)
    assert done.returncode == 1
    assert "/no does not exist" in done.stdout
    done = cfexp("doctor", "tracking.url=x", cwd=workdir)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1


@pytest.mark.slow
def test_quick_imports_nothing_slow(workdir: Path) -> None:
    code = (
        "import sys; from cfexp.cli import run_arguments\n"
        "code = run_arguments(); heavy = ('tensorflow', 'keras', 'mlflow')\n"
        "print('HEAVY', [m for m in heavy if m in sys.modules], code)"
    )
    env = {"CFEXP_DATA_DIR": ""}
    done = python(code, "doctor", "--quick", cwd=workdir, env=env)
    assert "HEAVY [] 0" in done.stdout, done.stdout
