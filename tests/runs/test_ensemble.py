"""Tracked runs are stacked."""

from pathlib import Path

import pandas as pd
import pytest
from helpers import TINY, cfexp

pytestmark = pytest.mark.slow


def test_runs_are_stacked(workdir: Path) -> None:
    """The best run of each family with this split; or those that are named."""
    common = [*TINY, "training=quick"]
    done = cfexp("model=ensemble", *common, cwd=workdir)
    assert done.returncode == 1
    assert "needs two trained runs or more, but 0" in done.stderr
    assert "Traceback" not in done.stderr
    args = ["-m", "model=bias,dot", "training.epochs=1,3", "hydra.sweep.dir=all"]
    assert cfexp(*args, *common, cwd=workdir).returncode == 0
    assert cfexp("model=dot", "seed=1", *common, cwd=workdir).returncode == 0
    done = cfexp("model=ensemble", *common, "hydra.run.dir=ens", cwd=workdir)
    assert done.returncode == 0, done.stderr
    lines = [x for x in done.stderr.splitlines() if "member" in x]
    assert len(lines) == 2, lines  # one bias, one dot; the other dot has another split
    done = cfexp("model=ensemble", "model.runs=all", *common, cwd=workdir)
    assert done.returncode == 0, done.stderr
    lines = [x for x in done.stderr.splitlines() if "member" in x]
    assert len(lines) == 3, lines  # the dots of 1 and of 3 epochs, too
    assert sum("member dot" in line for line in lines) == 2
    found = pd.read_parquet(workdir / "ens/results/valid_predictions.parquet")
    assert found["predicted"].between(1, 5).all()
    again = cfexp("mode=evaluate", "run_id=ens", cwd=workdir)
    assert again.returncode == 0, again.stderr
    # The second bias is the same as the first one, since it has no epochs.
    folders = "model.runs=[all/0,all/2]"
    done = cfexp("model=ensemble", folders, "tracking=none", *common, cwd=workdir)
    assert "member dot      all/2" in done.stderr
    other = cfexp(
        *("model=ensemble", folders, "tracking=none", "seed=1"), *common, cwd=workdir
    )
    assert other.returncode == 1
    assert "another split" in other.stderr
    tune = cfexp("mode=finetune", "run_id=ens", "tracking=none", cwd=workdir)
    assert "cannot be fine-tuned" in tune.stderr
