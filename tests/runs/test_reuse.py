"""A trained model is evaluated, asked, and trained further."""

from pathlib import Path

import pandas as pd
import pytest
from helpers import TINY, cfexp

pytestmark = pytest.mark.slow


def test_train_then_reuse(workdir: Path) -> None:
    tracked = [*TINY, "training=quick"]
    done = cfexp("model=ncf", "embed_dim=4", *tracked, cwd=workdir)
    assert done.returncode == 0, done.stderr
    assert "bias RMSE" in done.stdout
    again = cfexp("mode=evaluate", "run_id=latest", cwd=workdir)
    assert again.returncode == 0, again.stderr
    line = next(x for x in done.stdout.splitlines() if x.startswith("│ all"))
    same = next(x for x in again.stdout.splitlines() if x.startswith("│ all"))
    assert line.split("│")[2:5] == same.split("│")[2:5]
    top = cfexp("mode=recommend", "run_id=best", "user=1", "k=3", cwd=workdir)
    assert "top 3 unseen movies for user 1" in top.stdout
    pairs = pd.DataFrame({"userId": [1, 999999], "movieId": [2, 3]})
    pairs.to_csv(workdir / "pairs.csv", index=False)
    done = cfexp(
        *("mode=predict", "run_id=latest", "pairs=pairs.csv", "output=out.csv"),
        cwd=workdir,
    )
    assert done.returncode == 0, done.stderr
    assert pd.read_csv(workdir / "out.csv")["predicted"].between(1, 5).all()
    tuned = cfexp("mode=finetune", "run_id=latest", "training.epochs=1", cwd=workdir)
    assert tuned.returncode == 0, tuned.stderr
