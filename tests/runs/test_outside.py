"""Models, datasets, splits and metrics that lie outside the repository."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import ROOT, TINY, cfexp, ok, process, python
from small_models import programs_made

PAGE = (ROOT / "docs/extending.md").read_text()
SECTION = PAGE.partition("## Add a model\n")[2].partition("\n## ")[0]
BLOCKS = re.findall(r"```(\w+)[^\n]*\n(.*?)```", SECTION, re.DOTALL)
QUICK = [*TINY, "training=quick"]
OWN = ["--config-dir", "conf"]
# A process that knows the tests' cfexp, and not the folder that it is started in.
ALONE = (sys.executable, "-P", "-m", "cfexp")
BOTH = """
import sys
from cfexp.cli import run_arguments
at = sys.argv.index("then")
for part in (sys.argv[1:at], sys.argv[at + 1 :]):
    sys.argv = ["cfexp", *part]
    assert run_arguments() == 0
"""
SCORES = """
import mlflow, pandas as pd, sys
pairs = pd.read_csv("pairs.csv")
mlflow.pyfunc.load_model(sys.argv[1]).predict(pairs).to_csv("scored.csv", index=False)
"""

ADDED = '''
import numpy as np
from cfexp.data import Dataset, Ratings, Split, Splitter, Synthetic, canonical
from cfexp.evaluation import Metric


class Doubled(Dataset):
    """Ratings of 2 to 10, with other names for everything."""

    n: int = 3000

    def load(self) -> Ratings:
        made = Synthetic(n_ratings=self.n, n_users=100, n_items=150).load()
        ratings = made.frame.assign(rating=2 * made.frame["rating"])
        return canonical("doubled", ratings, made.movies, scale=(2, 10))


class EveryTenth(Splitter):
    step: int = 10

    def test_mask(self, ratings, rng):
        return np.arange(len(ratings.frame)) % self.step == 0

    def valid_mask(self, ratings, rest, rng):
        return rest % self.step == 1


class Worst(Metric):
    """The largest error."""

    def __call__(self, rating, predicted):
        return np.abs(rating - predicted).max()


class Broken(Metric):
    def __call__(self, rating, predicted):
        return "much"
'''


def write_model(folder: Path) -> None:
    """Writes the files of the page, which it names in the order of its blocks."""
    names = re.findall(r"`([\w/]+\.(?:py|yaml))`", SECTION)
    for (_, text), name in zip(BLOCKS, names, strict=False):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    assert (folder / "mine.py").exists()
    assert (folder / "conf/model/mine.yaml").exists()


def run_ids(said: str) -> list[str]:
    """Returns the ids of the runs that a command has printed."""
    return re.findall(r"run_id +([0-9a-f]{32})", said)


def in_a_shell(workdir: Path) -> str:
    """Runs its commands as they stand; returns what they print."""
    (workdir / "bin").mkdir()
    script = workdir / "bin/cfexp"
    python = " ".join(ALONE)
    script.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT}:$PYTHONPATH exec {python} "$@"\n')
    script.chmod(0o755)
    (commands,) = [text for kind, text in BLOCKS if kind == "sh"]
    done = subprocess.run(
        ["sh", "-ec", commands],
        cwd=workdir,
        env={**os.environ, "PATH": f"{workdir / 'bin'}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.long
@pytest.mark.slow
def test_model_with_a_layer(workdir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trained, reloaded elsewhere, scored by MLflow, fine-tuned and swept."""
    write_model(workdir)
    said = in_a_shell(workdir)
    assert "2 repeats" in said
    assert "mine on synthetic" in said
    seeds = re.findall(r"^[12]/2 seed=\d +0\.\d{4} .* finished *$", said, re.M)
    assert len(seeds) == 2
    (first_log,) = workdir.glob("outputs/*/*/0/cfexp.log")
    (first,) = run_ids(first_log.read_text())
    made = programs_made(monkeypatch)
    swept = ["embed_dim=2,3", "model.l2=0.1,0.2", "tracking=none"]
    done = ok(cfexp(*OWN, "-m", "model=mine", *swept, *QUICK, cwd=workdir))
    assert len(made) == 2  # one for each width
    assert "leaderboard" in done.stdout

    away = workdir / "away"
    away.mkdir()
    (workdir / "mine.py").rename(away / "mine.py")
    pairs = pd.DataFrame({"userId": [1, 3], "movieId": [2, 4]})
    pairs.to_csv(workdir / "pairs.csv", index=False)
    (model,) = workdir.glob(f"mlruns/**/{model_of(workdir, first)}/artifacts")
    path = {"PYTHONPATH": os.environ.get("PYTHONPATH", "")}
    ok(python(SCORES, str(model), cwd=workdir, env=path))
    tune = ["mode=finetune", f"run_id={first}", *QUICK, "same_ids=true"]
    tune += ["known_rows=drop", "dataset.data_seed=1", "hydra.run.dir=tuned"]
    predict = ["mode=predict", "pairs=pairs.csv", f"run_id={first}", "output=p.csv"]
    alone = (*ALONE[:2], "-c", BOTH)
    ok(process(*predict, "then", *tune, cwd=workdir, command=alone))
    expected = pd.read_csv(workdir / "p.csv")["predicted"]
    scored = pd.read_csv(workdir / "scored.csv")["rating"]
    np.testing.assert_allclose(scored, expected, atol=1e-4)
    copy = (workdir / "tuned/model/code/mine.py").read_text()
    assert copy == (away / "mine.py").read_text()
    monkeypatch.syspath_prepend(away)
    check_folder_of_a_stranger(workdir, first_log.parent)


def check_folder_of_a_stranger(workdir: Path, run: Path) -> None:
    """Checks that the code in a folder is not run, and the user's own is if named."""
    (run / "model/code/mine.py").write_text("raise SystemExit('was run')")
    use = ["mode=predict", f"run_id={run}", "pairs=pairs.csv", "tracking=none"]
    use += ["output=q.csv"]
    done = cfexp(*use, cwd=workdir)
    assert "names a class that is not cfexp's: model._target_=mine.Mine" in done.stderr
    own = sys.path.pop(0)
    done = cfexp(*OWN, *use, cwd=workdir)
    assert "/model needs the module mine, which cannot be imported" in done.stderr
    assert "Add its folder to PYTHONPATH" in done.stderr
    sys.path.insert(0, own)
    done = ok(cfexp(*OWN, *use, cwd=workdir))
    assert "away/mine.py is used, which was changed since" in done.stderr
    one, other = (pd.read_csv(workdir / f"{name}.csv") for name in "pq")
    np.testing.assert_allclose(one["predicted"], other["predicted"], atol=1e-4)


def model_of(workdir: Path, run_id: str) -> str:
    """Returns the id of the model that a run has logged."""
    import mlflow

    client = mlflow.MlflowClient(f"sqlite:///{workdir / 'mlflow.db'}")
    (found,) = client.get_run(run_id).outputs.model_outputs
    return str(found.model_id)


@pytest.mark.slow
def test_dataset_split_and_metrics(workdir: Path) -> None:
    """Trained, evaluated with them again, and with another metric."""
    (workdir / "added.py").write_text(ADDED)
    for group, name, cls in (
        ("dataset", "doubled", "Doubled"),
        ("split", "tenth", "EveryTenth"),
        ("metrics", "worst", "Worst"),
        ("metrics", "broken", "Broken"),
    ):
        file = workdir / "conf" / group / f"{name}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        head = f"# @package metrics.{name}\n" if group == "metrics" else ""
        file.write_text(f"{head}_target_: added.{cls}\n")
    (workdir / "conf/metrics/bare.yaml").write_text("_target_: added.Worst\n")
    own = [*OWN, "dataset=doubled", "split=tenth"]
    done = cfexp(
        *own,
        *("model=bias", "metrics=[worst,within]", "metrics.within.stars=2"),
        "hydra.run.dir=run",
        cwd=workdir,
    )
    (run_id,) = run_ids(ok(done).stdout)
    assert "on doubled" in done.stdout
    found = json.loads((workdir / "run/results/metrics.json").read_text())
    assert found["rows/test"] == found["rows/valid"] == 300
    for part, file in (("test", "test"), ("val", "valid")):
        rows = pd.read_parquet(workdir / f"run/results/{file}_predictions.parquet")
        error = (rows["predicted"] - rows["rating"]).abs()
        assert found[f"{part}_worst"] == pytest.approx(error.max())
        assert found[f"{part}_within"] == pytest.approx((error <= 2).mean())
        assert error.max() > 2
    assert re.search(f"within +{found['test_within']:.4f}", done.stdout)

    logged = run_metrics(workdir, run_id)
    assert logged["val_worst"] == pytest.approx(found["val_worst"])
    again = cfexp(
        *OWN, "mode=evaluate", f"run_id={run_id}", "hydra.run.dir=e", cwd=workdir
    )
    ok(again)
    second = json.loads((workdir / "e/results/metrics.json").read_text())
    assert second["test_worst"] == pytest.approx(found["test_worst"])

    for choice, said in (
        ("broken", "metrics.broken must return a number"),
        ("bare", "must begin with the line # @package metrics.NAME"),
        ("wihtin", "metrics=wihtin is not an option (did you mean within?)"),
    ):
        done = cfexp(*own, "model=bias", f"metrics=[{choice}]", cwd=workdir)
        assert done.returncode == 1
        assert said in done.stderr
        assert done.stderr.count("\n") == 1, done.stderr


def run_metrics(workdir: Path, run_id: str) -> dict[str, float]:
    """Returns the metrics of a run in MLflow."""
    import mlflow

    client = mlflow.MlflowClient(f"sqlite:///{workdir / 'mlflow.db'}")
    return dict(client.get_run(run_id).data.metrics)
