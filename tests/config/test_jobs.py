"""The jobs of a sweep: composed as by Hydra, and checked before the first one."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import hydra
import pytest
from helpers import SMALL, cfexp, ok
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from cfexp.config.compose import conf_dir, register
from cfexp.config.grid import grid
from cfexp.config.jobs import check
from cfexp.config.loader import JobLoader

SWEEP = ["hydra.mode=MULTIRUN", "hydra.sweep.dir=x"]


@pytest.fixture
def sweep() -> Iterator[Callable[..., tuple[DictConfig, JobLoader]]]:
    """Composes a sweep, and returns it with the loader of its jobs."""
    GlobalHydra.instance().clear()
    register()
    with hydra.initialize_config_dir(str(conf_dir()), version_base="1.3"):
        theirs = GlobalHydra.instance().hydra.config_loader

        def compose(*overrides: str) -> tuple[DictConfig, JobLoader]:
            all_of_it = [*SWEEP, *overrides]
            cfg = theirs.load_configuration("config", all_of_it, RunMode.MULTIRUN)
            return cfg, JobLoader(theirs)

        yield compose
    GlobalHydra.instance().clear()


@pytest.mark.parametrize(
    "job",
    [
        [],
        ["model=dot", "embed_dim=8"],
        ["model=dot", "seed=1", "split=kfold", "split.fold=2"],
        ["experiment=ml-100k/dot", "split.fold=3", "model.l2=0.5"],
        ["search=deep", "training.patience=null", "model.layers=[8,4]"],
        ["metrics=[within]", "metrics.within.stars=1"],
        ["dataset=csv", "dataset.columns={userId: u}", "+dataset.columns.x=r"],
        ["optimizer={learning_rate: 0.5}", "++run_name='a b=c'", "~dataset.noise"],
        ["model=bias", "run_name=${hydra.job.override_dirname}", "embed_dim=4"],
        ["hydra.job.name=x", "seed=3"],
    ],
)
def test_jobs_are_composed_as_by_hydra(
    sweep: Callable[..., tuple[DictConfig, JobLoader]], job: list[str]
) -> None:
    """Twice, and after others of the same groups."""
    master, loader = sweep("tracking=none", "hydra.job.chdir=true")
    theirs = super(JobLoader, loader).load_sweep_config(master, job)
    for _ in range(2):
        with loader.job(master, [*job, "seed=9"]) as cfg:
            assert cfg.seed == 9
        ours = loader.load_sweep_config(master, job)
        assert OmegaConf.to_yaml(ours) == OmegaConf.to_yaml(theirs)
        assert OmegaConf.is_struct(ours) == OmegaConf.is_struct(theirs)
        with loader.job(master, job) as cfg:
            short = OmegaConf.masked_copy(cfg, [k for k in cfg if k != "hydra"])
            whole = OmegaConf.masked_copy(theirs, [k for k in theirs if k != "hydra"])
            assert OmegaConf.to_yaml(short) == OmegaConf.to_yaml(whole)


def test_jobs_are_checked_faster_than_hydra_composes_one(
    sweep: Callable[..., tuple[DictConfig, JobLoader]],
) -> None:
    """Compared with Hydra's time for composing them once."""
    master, loader = sweep("model=dot,ncf", "model.l2=range(0,1,0.02)", "seed=0,1")
    jobs = grid(master, loader)
    assert len(jobs) == 200
    started = time.process_time()
    found = check(master, jobs, loader)
    ours = (time.process_time() - started) / len(jobs)
    assert (len(found.jobs), found.duplicates, found.wrong) == (200, (), ())
    started = time.process_time()
    for job in [*jobs][:20]:
        super(JobLoader, loader).load_sweep_config(master, list(job.overrides))
    theirs = (time.process_time() - started) / 20
    assert theirs > 5 * ours


def test_zipped_options_go_together(
    sweep: Callable[..., tuple[DictConfig, JobLoader]],
) -> None:
    """Beside options that do not, and in the order of the command line."""
    given = ["model=dot,ncf", "seed=0,1", "embed_dim=64,16", "+x=a,b", "batch=1"]
    master, loader = sweep(*given[:3], "zip=[embed_dim,model]")
    jobs = [list(job.overrides) for job in grid(master, loader)]
    assert jobs == [
        ["embed_dim=64", "model=dot", "seed=0"],
        ["embed_dim=64", "model=dot", "seed=1"],
        ["embed_dim=16", "model=ncf", "seed=0"],
        ["embed_dim=16", "model=ncf", "seed=1"],
    ]
    master, loader = sweep(*given[:4], "zip=[[embed_dim,model],[seed,x]]")
    jobs = [" ".join(job.varied) for job in grid(master, loader)]
    assert jobs[1:3] == [
        "embed_dim=64 model=dot seed=1 +x=b",
        "embed_dim=16 model=ncf seed=0 +x=a",
    ]
    assert len(jobs) == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["model=bias", "split.test_size=0.2,1.5,2"],
            "2 of 3 jobs are wrong, and none was started. split.test_size=1.5:"
            " split.test_size must be > 0 and < 1. Got: 1.5; split.test_size=2: ",
        ),
        (
            ["model=dot,bias", "model.l2=0.1,0.2"],
            "2 of 4 jobs are wrong, and none was started. model=bias model.l2=0.1,"
            " model=bias model.l2=0.2: model=bias has no option l2, unlike model=auto",
        ),
        (["seed=0,1", "embed_dim=4,8,9", "zip=[seed,embed_dim]"], "seed lists 2, emb"),
        (
            ["seed=0,1", "zip=[seed,embed_dim]"],
            "embed_dim lists no values in this sweep",
        ),
        (["seed=0,1", "zip=[seed]"], "zip=[seed] must name two options or more"),
        (["seed=0,1", "zip=3"], "zip must be a list: [a,b]"),
        (["search=dot,ncf"], "search=dot,ncf: a sweep takes one search, which says"),
        (["model=mean,bias", "model.reg_user=1"], "1 of 2 jobs is wrong, and none"),
        (["model=dot,ncf", "model.l3=0.1"], "there is no option model.l3"),
        (["model=dot,ncf", "split.test_sice=0.1"], "(did you mean split.test_size or"),
        (["model=bias", "seed=range(-5,1)"], "Got: -3; and 2 other problems"),
        (["model=bias", "model.reg_user=interval(1,2)"], "add hydra/sweeper=optuna"),
        (["experiment=quick,ml-100k/bias", "split.fold=1"], "split=random has no opt"),
    ],
)
def test_wrong_job_is_found_before_the_first_one(
    workdir: Path, options: list[str], message: str
) -> None:
    done = cfexp("-m", *options, "tracking.uri=sqlite:///m.db", cwd=workdir)
    assert done.returncode == 1
    (said,) = done.stderr.splitlines()
    assert said.startswith("cfexp: error: ")
    assert message in said
    assert not list(workdir.iterdir())


@pytest.mark.slow
def test_equal_jobs_are_trained_once(workdir: Path) -> None:
    """Without tracking too."""
    sweep = ["-m", "model=mean,bias", "embed_dim=4,8", *SMALL]
    done = ok(cfexp(*sweep, "hydra.sweep.dir=sweep", cwd=workdir))
    assert (
        "2 of 4 jobs are the same as another and not trained again: model=mean"
        " embed_dim=8 as model=mean embed_dim=4; model=bias" in done.stderr
    )
    folders = [path.name for path in (workdir / "sweep").iterdir() if path.is_dir()]
    assert sorted(folders) == ["0", "1", "results"]


def test_option_of_a_swept_experiment(workdir: Path) -> None:
    """It is that of each experiment, though the default has none such."""
    sweep = ["-m", "experiment=ml-100k/bias,ml-100k/dot", "split.fold=9"]
    done = cfexp(*sweep, "dataset.root=absent", "tracking=none", cwd=workdir)
    assert done.returncode == 1
    assert "no option" not in done.stderr
    (saved,) = workdir.glob("multirun/*/*/0/.hydra/overrides.yaml")
    assert "split.fold=9" in OmegaConf.load(saved)
