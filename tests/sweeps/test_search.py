"""Searches: what they try, prune and remember."""

import json
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from helpers import FITTED, TINY, cfexp, ok
from hydra.core.utils import JobReturn, JobStatus
from omegaconf import OmegaConf
from tracked import runs

from cfexp.config.compose import own_hydra
from cfexp.config.jobs import check_jobs, checked
from cfexp.config.space import Dimension, space_of
from cfexp.data.ratings import Ratings
from cfexp.errors import Failed, Pruned
from cfexp.evaluation.objective import BY_RMSE, Objective
from cfexp.runtime.locks import held
from cfexp.sweeps.report import Reporter
from cfexp.training.history import Epoch

from hydra.types import RunMode  # isort: skip

pytest.importorskip("optuna", reason="no cfexp[optuna]")
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:optuna")

SEARCH = ["hydra.mode=MULTIRUN", "hydra/sweeper=optuna", "hydra.sweep.dir=sweep"]
RANGE = "model.l2=tag(log,interval(0.01,1))"
# A pruner that gives up every job but the first one.
ALL_BUT_ONE = """
from optuna.pruners import BasePruner

class Mine(BasePruner):
    def __init__(self, **options): pass
    def prune(self, study, trial): return trial.number > 0
"""


class Launched:
    """Stands in for a launcher: the results of jobs without training.

    Args:
        value: Returns a job's result from its overrides, or raises an error.
    """

    def __init__(self, value: Callable[[dict[str, str], Any, Path], float]):
        self.value, self.jobs, self.config = value, [], None

    def launch(self, jobs: Sequence[Sequence[str]], initial_job_idx: int) -> list[Any]:
        found = []
        for i, job in enumerate(jobs):
            own = dict(one.split("=", 1) for one in job)
            self.jobs.append(own)
            done = JobReturn(overrides=job, status=JobStatus.COMPLETED)
            folder = Path("sweep", str(initial_job_idx + i)).absolute()
            try:
                done._return_value = self.value(own, self.config, folder)
            except Pruned as stop:
                done._return_value = stop.value
            except Exception as error:
                done._return_value, done.status = error, JobStatus.FAILED
            found.append(done)
        return found


Tried = Callable[..., list[dict[str, str]]]


@pytest.fixture
def tried(workdir: Path) -> Iterator[Tried]:
    """Runs a search with jobs that train nothing; returns the jobs."""
    from cfexp.sweeps.search import Search

    with own_hydra() as loader:

        def run(value: Callable[..., float], *overrides: str) -> list[dict[str, str]]:
            given = [*SEARCH, "tracking=none", *overrides]
            config = loader.load_configuration("config", given, RunMode.MULTIRUN)
            config.hydra.sweep.dir = str(workdir / "sweep")
            check_jobs(config)
            search = Search()
            search.config, search.loader = config, checked(config).loader
            search.launcher = launched = Launched(value)
            launched.config = config
            search.sweep([])
            return launched.jobs

        yield run


def l2(job: dict[str, str], config: Any, folder: Path) -> float:
    """The result of a job: best at 0.2."""
    return abs(math.log(float(job["model.l2"]) / 0.2))


def epochs(job: dict[str, str], config: Any, folder: Path) -> float:
    """The result of a job of six epochs, which is bad from the first one on."""
    heard = Reporter(config.hydra.sweeper, folder, BY_RMSE, "val_rmse")
    found = l2(job, config, folder)
    for number in range(1, 7):
        heard.on_epoch(Epoch(number, 1.0, found + 1 / number, 1.0, 1.0, 0.0))
    return found + 1 / 6


def folds(job: dict[str, str], config: Any, folder: Path) -> float:
    """The result of five folds, which is bad from the first one on."""
    heard = Reporter(config.hydra.sweeper, folder, BY_RMSE, "val_rmse")
    metrics = [{"val_rmse": l2(job, config, folder)}] * 5
    for number in range(1, 6):
        heard.on_repeat(metrics[:number], 5)
    return metrics[0]["val_rmse"]


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["tpe", "random", "cmaes"])
def test_search_begins_with_the_present_values(tried: Tried, sampler: str) -> None:
    """And finds better ones; the same search again goes on."""
    search = ["model=dot", RANGE, f"hydra/sweeper/sampler={sampler}"]
    jobs = tried(l2, *search, "hydra.sweeper.n_trials=12")
    assert len(jobs) == 12
    assert jobs[0]["model.l2"] == "0.12"
    assert all(0.01 <= float(job["model.l2"]) <= 1 for job in jobs)
    table = pd.read_csv("sweep/results/trials.csv")
    assert table["value"].min() < table["value"][0]
    assert tried(l2, *search, "hydra.sweeper.n_trials=12") == []
    more = tried(l2, *search, "hydra.sweeper.n_trials=15", "hydra.sweeper.n_jobs=2")
    assert len(more) == 3
    assert not {job["model.l2"] for job in more} & {job["model.l2"] for job in jobs}
    assert len(list(Path("studies").glob("*.log"))) == 1


@pytest.mark.slow
def test_grid_is_tried_once(tried: Tried) -> None:
    """And so are lists, whatever chooses from them."""
    search = ["model=dot", "model.l2=0.1,0.2,0.12", "seed=range(0,2)"]
    many = "hydra.sweeper.n_trials=50"
    for sampler in ("grid", "random"):
        jobs = tried(l2, *search, many, f"hydra/sweeper/sampler={sampler}")
        assert len(jobs) == 6
        assert len({(job["model.l2"], job["seed"]) for job in jobs}) == 6
        assert jobs[0] == {**jobs[0], "model.l2": "0.12", "seed": "0"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pruner", "steps", "saves"),
    [("median", "epochs", 0.2), ("asha", "epochs", 0.3), ("median", "repeats", 0.2)],
)
def test_bad_jobs_are_pruned(
    tried: Tried, pruner: str, steps: str, saves: float
) -> None:
    """The best one is not, and importance counts finished ones only."""
    search = ["model=dot", RANGE, "seed=0,1", "hydra.sweeper.n_trials=20"]
    job, n = (epochs, 6) if steps == "epochs" else (folds, 5)
    search += ["cv=5"] if steps == "repeats" else []
    tried(job, *search, f"hydra/sweeper/pruner={pruner}")
    table = pd.read_csv("sweep/results/trials.csv")
    pruned = table["state"] == "pruned"
    assert table.loc[~pruned, steps].tolist() == [n] * (~pruned).sum()
    assert (table.loc[pruned, steps] < n).all()
    assert table[steps].sum() < (1 - saves) * n * len(table)
    assert not pruned[table["value"].idxmin()]
    importance = pd.read_csv("sweep/results/importance.csv", index_col=0)
    if len(importance):
        assert importance["importance"].idxmax() == "model.l2"
    all_of_it = tried(job, *search, "hydra/sweeper/pruner=none", "seed=2,3")
    assert len(all_of_it) == 20


@pytest.mark.slow
def test_killed_trial_is_tried_again(tried: Tried) -> None:
    """First of all, with the same values; an error does not end a search."""

    def dies(job: dict[str, str], config: Any, folder: Path) -> float:
        if folder.name == "2":
            raise KeyboardInterrupt
        return l2(job, config, folder)

    def fails(job: dict[str, str], config: Any, folder: Path) -> float:
        if folder.name == "1":
            raise ValueError("broken")
        return l2(job, config, folder)

    search = ["model=dot", RANGE, "hydra.sweeper.n_trials=5"]
    with pytest.raises(KeyboardInterrupt):
        tried(dies, *search)
    (study,) = Path("studies").glob("*.log")
    with held(study.with_suffix(".lock"), wait=False), pytest.raises(Failed) as stop:
        tried(l2, *search)
    assert "another process runs this search" in str(stop.value)
    broken = pytest.raises(ValueError, match="broken")
    with broken:
        tried(fails, *search)
    table = pd.read_csv("sweep/results/trials.csv")
    assert len(table) == 4  # and one that failed
    assert table["trial"].tolist() == [0, 1, 3, 5]
    again = tried(l2, *search)
    assert len(again) == 1


def test_space(workdir: Path) -> None:
    with own_hydra() as loader:
        given = ["a=1,2", "b=interval(1,5)", "c=int(interval(2,9))", "d=range(0,10,5)"]
        given += [
            "e=tag(log,interval(0.1,1))",
            "f=range(0,1,0.25)",
            "g=7",
            "h=choice(x)",
        ]
        config = loader.load_configuration("config", SEARCH, RunMode.MULTIRUN)
        config.hydra.sweeper.params = dict(one.split("=", 1) for one in given)
        found = space_of(config, loader)
    assert found.fixed == ("g=7",)
    assert found.dimensions == {
        "a": Dimension(values=("1", "2")),
        "b": Dimension(low=1.0, high=5.0),
        "c": Dimension(low=2, high=9),
        "d": Dimension(low=0, high=5, step=5),
        "e": Dimension(low=0.1, high=1.0, log=True),
        "f": Dimension(low=0.0, high=0.75, step=0.25),
        "h": Dimension(values=("x",)),
    }
    sizes = [one.size for one in found.dimensions.values()]
    assert sizes == [2, None, 8, 2, None, 4, 1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["model=dot"], "hydra/sweeper=optuna has nothing to search: give an option a"),
        (
            ["model.l2=interval(-1,2)"],
            "1 of 2 jobs is wrong, and none was started. mod",
        ),
        (["model.l2=interval(2,1)"], "model.l2=interval(2,1) is empty"),
        (["model.l2=tag(log,interval(0,1))"], "needs a lower end above 0"),
        (["model=dot,bias", "seed=0,1", "zip=[model,seed]"], "zip= is for grids"),
        (["model=dot,nfc"], "model=nfc is not an option (did you mean ncf"),
    ],
)
def test_wrong_search_is_refused(
    workdir: Path, options: list[str], message: str
) -> None:
    done = cfexp("-m", "hydra/sweeper=optuna", *options, cwd=workdir)
    assert done.returncode == 1
    (said,) = done.stderr.splitlines()
    assert message in said
    assert not list(workdir.iterdir())


@pytest.mark.slow
def test_search_on_the_command_line(workdir: Path) -> None:
    """Pruned runs keep their epochs, have no checkpoint, and are never resumed."""
    search = ["-m", "hydra/sweeper=optuna", "hydra.sweeper.n_trials=3", *FITTED]
    search += ["model.l2=interval(0.1,0.5)", "hydra.sweep.dir=sweep"]
    search += ["training.checkpoint_every=1", "hydra.sweeper.pruner.n_startup_trials=1"]
    search += ["hydra.sweeper.pruner.n_warmup_steps=0"]
    (workdir / "mine.py").write_text(ALL_BUT_ONE)
    search += ["hydra.sweeper.pruner._target_=mine.Mine"]
    done = ok(cfexp(*search, cwd=workdir))
    assert "3 trials, 2 of them pruned" in done.stderr
    (parent,) = runs(workdir, "sweep")
    assert parent.info.status == "FINISHED"
    found = runs(workdir)
    assert [run.info.status for run in found] == ["FINISHED", "KILLED", "KILLED"]
    assert [run.data.tags.get("cfexp.pruned") for run in found] == [
        None,
        "after epoch 1",
        "after epoch 1",
    ]
    assert "epoch/val_rmse" in found[1].data.metrics
    assert "cfexp.error" not in found[1].data.tags
    assert not list((workdir / "checkpoints").glob("*.npz"))
    board = pd.read_csv(workdir / "sweep/leaderboard.csv")
    assert board["status"].tolist() == ["finished", "pruned", "pruned"]
    assert json.loads((workdir / "sweep/1/status.json").read_text())["epoch"] == 1
    # The same job in a grid is trained as a run of its own.
    value = next(
        o
        for o in OmegaConf.load(workdir / "sweep/1/.hydra/overrides.yaml")
        if "l2" in o
    )
    ok(cfexp("-m", value, *FITTED, "training.checkpoint_every=1", cwd=workdir))
    assert [run.info.status for run in runs(workdir)].count("FINISHED") == 2
    assert len(runs(workdir)) == 4


@pytest.mark.slow
def test_search_over_folds(workdir: Path) -> None:
    """Each trial is all folds, of which a pruned one has only the first."""
    (workdir / "mine.py").write_text(ALL_BUT_ONE)
    search = ["-m", "hydra/sweeper=optuna", "hydra.sweeper.n_trials=2", "cv=3"]
    search += ["model=bias", "model.reg_user=interval(1,50)", *TINY]
    search += ["hydra.sweeper.pruner._target_=mine.Mine", "hydra.sweep.dir=sweep"]
    done = ok(cfexp(*search, cwd=workdir))
    assert "2 trials, 1 of them pruned: 4 repeats in all" in done.stderr
    whole, pruned = runs(workdir, "cv")
    assert whole.info.status == "FINISHED"
    assert pruned.info.status == "KILLED"
    assert pruned.data.tags["cfexp.pruned"] == "after repeat 1 of 3"
    assert [run.info.status for run in runs(workdir)] == ["FINISHED"] * 4
    table = pd.read_csv(workdir / "sweep/results/trials.csv")
    assert table["state"].tolist() == ["finished", "pruned"]
    assert table["repeats"].tolist() == [3, 1]
    board = pd.read_csv(workdir / "sweep/leaderboard.csv")
    assert board["status"].tolist() == ["finished", "pruned"]


@pytest.mark.slow
def test_trials_on_other_data_do_not_count(workdir: Path, ratings: Ratings) -> None:
    """Files of the dataset or of the split may change under the same paths."""
    rows = ratings.frame
    search = ["-m", "hydra/sweeper=optuna", "model=bias", "tracking=none"]
    search += ["model.reg_user=interval(1,50)", "hydra.sweeper.n_trials=2"]
    search += ["dataset=csv", "dataset.ratings=r.csv", "split=given"]
    search += ["split.test=t.csv", "hydra.sweep.dir=sweep"]
    files = {"r.csv": rows, "t.csv": rows[::10]}
    for name, table in files.items():
        table.to_csv(workdir / name, index=False)
    ok(cfexp(*search, cwd=workdir))
    before = (workdir / "sweep/results/trials.csv").read_bytes()
    for name, table in {"r.csv": rows[:-1], "t.csv": rows[::9]}.items():
        table.to_csv(workdir / name, index=False)
        done = cfexp(*search, cwd=workdir)
        assert done.returncode == 1
        assert "trials on other data" in done.stderr.splitlines()[-1]
        files[name].to_csv(workdir / name, index=False)
        assert "2 of 2 trials are done" in ok(cfexp(*search, cwd=workdir)).stderr
    assert (workdir / "sweep/results/trials.csv").read_bytes() == before
    rows[::9].to_csv(workdir / "t.csv", index=False)
    ok(cfexp(*search, "hydra.sweeper.study_name=again", cwd=workdir))
    assert (workdir / "sweep/results/trials.csv").read_bytes() != before


@pytest.mark.parametrize("maximise", [False, True])
def test_the_best_epoch_so_far_is_reported(
    maximise: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    by = Objective("ranking/val_full_ndcg_10", maximise)
    hear = Reporter(OmegaConf.create({}), Path(), by, by.name)
    monkeypatch.setattr(hear, "_found", lambda: None)
    for value in (math.nan, 0.2, 0.3, 0.1):
        hear.on_epoch(Epoch(1, 0.0, math.nan, 0.7, 1.0, 1.0, monitored=value))
    assert hear.best == (0.3 if maximise else 0.1)
    # An objective that is not known after each epoch prunes nothing.
    other = Reporter(OmegaConf.create({}), Path(), by, "val_rmse")
    other.on_epoch(Epoch(1, 0.0, 0.9, 0.7, 1.0, 1.0, monitored=0.2))
    assert math.isnan(other.best)
