"""Runs trained again: what is equal, what is not, and what is said of the code."""

import logging
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mlflow
import numpy as np
import pytest
from helpers import TINY, cfexp, process

from cfexp.errors import DataError, TrainingError
from cfexp.runs.verdict import check_data, check_verdict, compared, warn_of_code
from cfexp.runtime.provenance import GitState
from cfexp.tracking.folder import Past

TAGS = {
    "cfexp.data_sha256": "d" * 64,
    "cfexp.split_sha256": "s" * 64,
    "mlflow.source.git.commit": "a" * 40,
    "git.dirty": "false",
    "cfexp.versions": '{"numpy": "0.1"}',
}


def data_of(data: str, split: str) -> Any:
    """Returns data and split with fingerprints of one letter."""
    found = [SimpleNamespace(fingerprint=one * 64) for one in (data, split)]
    return SimpleNamespace(ratings=found[0], split=found[1])


def test_verdicts_metric_by_metric() -> None:
    then = {"a": 1.0, "b": 1.0, "c": 1.0, "nan": np.nan, "gone": 1.0, "seconds/x": 1.0}
    now = {"a": 1.0, "b": 1.00005, "c": 1.1, "nan": np.nan, "seconds/x": 2.0}
    table = compared(then, now, tolerance=1e-4).set_index("metric")["verdict"]
    assert table.to_dict() == {
        "c": "different",
        "gone": "different",
        "b": "within tolerance",
        "a": "equal",
        "nan": "equal",
    }
    assert table.iloc[0] == "different"


def test_other_data_is_refused_and_other_code_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    past = Past("x", {}, {}, TAGS)
    check_data(past, data_of("d", "s"))
    with pytest.raises(DataError, match="the data are not the same"):
        check_data(past, data_of("e", "s"))
    with pytest.raises(DataError, match="the split is not the same"):
        check_data(past, data_of("d", "e"))
    with pytest.raises(TrainingError, match="was not reproduced"):
        check_verdict(past, "different", Path("x"))
    check_verdict(past, "within tolerance", Path("x"))
    with caplog.at_level(logging.WARNING):
        warn_of_code(past, GitState("a" * 40, "", ()))
    assert "0.1 then" in caplog.text
    assert "commit" not in caplog.text
    with caplog.at_level(logging.WARNING):
        warn_of_code(past, GitState("b" * 40, "diff", ()))
    assert f"git checkout {'a' * 40}" in caplog.text
    assert "uncommitted changes now" in caplog.text


@pytest.mark.slow
def test_reproduced_to_the_last_bit_and_not(workdir: Path) -> None:
    """From a dirty repository, by its id and by its folder."""
    git = ["git", "-c", "user.email=a@b", "-c", "user.name=x"]
    for command in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "x"]):
        subprocess.run([*git, *command], cwd=workdir, check=True)
    options = ["model=dot", "embed_dim=4", "training=quick", "deterministic=true"]
    done = cfexp(*options, "seed=3", *TINY, "hydra.run.dir=first", cwd=workdir)
    assert done.returncode == 0, done.stderr
    client = mlflow.MlflowClient(f"sqlite:///{workdir / 'mlflow.db'}")
    (first,) = client.search_runs(["1"])
    done = cfexp("reproduce", first.info.run_id, cwd=workdir)
    assert done.returncode == 0, done.stderr
    assert "bitwise equal" in done.stdout
    assert "uncommitted changes now" in done.stderr
    second = client.search_runs(["1"])[0]
    assert second.data.tags["cfexp.reproduces"] == first.info.run_id
    assert second.data.tags["cfexp.reproduced"] == "equal"
    assert second.data.params == first.data.params
    weights = {run.data.tags["cfexp.weights_sha256"] for run in (first, second)}
    assert len(weights) == 1
    assert "reproduce.csv" in {
        f.path for f in client.list_artifacts(second.info.run_id)
    }
    config = workdir / "first/results/config.yaml"
    config.write_text(config.read_text().replace("epochs: 2", "epochs: 1"))
    done = cfexp("reproduce", "first", "tracking=none", cwd=workdir)
    assert done.returncode == 1
    assert "not bitwise equal" in done.stdout
    last = done.stderr.splitlines()[-1]
    assert last.startswith("cfexp: error: run first was not reproduced")
    for arguments, message in (
        (["reproduce"], "cfexp reproduce needs a run"),
        (["reproduce", "nonesuch"], "there is no run nonesuch"),
        (["reproduce", "first", "dataset.data_seed=1"], "would change its result"),
        (["reproduce", "first", "training.epochs=3"], "would change its result"),
        (["reproduce", "first", "embed_dim=8"], "as embed_dim=4 and cannot be changed"),
    ):
        done = cfexp(*arguments, cwd=workdir)
        assert done.returncode == 1
        assert message in done.stderr.splitlines()[-1]


@pytest.mark.slow
def test_code_of_the_commit_is_restored(workdir: Path) -> None:
    """A model that was changed since: different, and with --checkout equal again."""
    git = ["git", "-c", "user.email=a@b", "-c", "user.name=x"]

    def commit(shift: float) -> None:
        (workdir / "mine.py").write_text(
            "from cfexp.models.bias import Mean\n"
            "class Mine(Mean):\n"
            "    def fit(self, train, features):\n"
            "        found = super().fit(train, features)\n"
            f"        found.mean += {shift}\n"
            "        return found\n"
        )
        for command in (["add", "mine.py"], ["commit", "-q", "-m", "x"]):
            subprocess.run([*git, *command], cwd=workdir, check=True)

    subprocess.run([*git, "init", "-q"], cwd=workdir, check=True)
    commit(0.0)
    mine = ["model=mean", "model._target_=mine.Mine", *TINY]
    done = cfexp(*mine, cwd=workdir)
    assert done.returncode == 0, done.stderr
    client = mlflow.MlflowClient(f"sqlite:///{workdir / 'mlflow.db'}")
    (run,) = client.search_runs(["1"])
    commit(0.5)
    plain = cfexp("reproduce", run.info.run_id, cwd=workdir)
    assert plain.returncode == 1
    assert "git checkout" in plain.stderr
    assert "was not reproduced" in plain.stderr
    restored = process("reproduce", run.info.run_id, "--checkout", cwd=workdir)
    assert restored.returncode == 0, restored.stderr
    assert "bitwise equal" in restored.stdout
    assert "git checkout" not in restored.stderr
    newest = client.search_runs(["1"])[0]
    tags = newest.data.tags
    assert tags["cfexp.reproduced"] == "equal"
    commit_of = "mlflow.source.git.commit"
    assert tags[commit_of] == run.data.tags[commit_of]
    trees = subprocess.run(
        ["git", "worktree", "list"], cwd=workdir, capture_output=True, text=True
    )
    assert len(trees.stdout.splitlines()) == 1
    for arguments, message in (
        (["--checkout"], "needs a run"),
        (["nonesuch", "--checkout"], "there is no run nonesuch"),
    ):
        done = cfexp("reproduce", *arguments, cwd=workdir)
        assert done.returncode == 1
        assert message in done.stderr.splitlines()[-1]
