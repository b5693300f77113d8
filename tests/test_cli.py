"""The command line, in processes of its own."""

import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import yaml
from conftest import ROOT, SMALL, TINY, cfexp
from omegaconf import DictConfig, OmegaConf

from cfexp.config.build import build
from cfexp.config.compose import is_sweep
from cfexp.config.schema import GROUPS
from cfexp.errors import ConfigError

HEAVY = ("tensorflow", "keras", "mlflow", "sklearn", "pandas")
OPTIONS = [
    f"{group}={path.stem}"
    for group in GROUPS
    for path in sorted((ROOT / "conf" / group).glob("*.yaml"))
]
CONF = ROOT / "conf"
EXPERIMENTS = [
    str(path.relative_to(CONF / "experiment").with_suffix(""))
    for path in sorted(CONF.glob("experiment/**/*.yaml"))
]
NEEDED = {
    "dataset=csv": ["dataset.ratings=r.csv"],
    "tracking=server": ["tracking.uri=http://localhost:5000"],
}


@pytest.mark.parametrize("arguments", [["--help"], ["--cfg", "job"]])
def test_help_imports_nothing_heavy(workdir: Path, arguments: list[str]) -> None:
    code = (
        "import sys; from cfexp.cli import run_cli\n"
        "code = run_cli()\n"
        f"print('HEAVY', [m for m in {HEAVY} if m in sys.modules], code)"
    )
    done = cfexp(*arguments, cwd=workdir, command=(sys.executable, "-c", code))
    assert "HEAVY [] 0" in done.stdout
    assert "embed_dim" in done.stdout


@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_composes(
    composed: Callable[..., DictConfig], option: str
) -> None:
    specs = build(composed(option, *NEEDED.get(option, [])))
    assert set(specs) == set(GROUPS)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_composes(
    composed: Callable[..., DictConfig], name: str
) -> None:
    build(composed(f"experiment={name}"))


@pytest.mark.parametrize("name", [p.stem for p in sorted(CONF.glob("search/*.yaml"))])
def test_every_search_composes(composed: Callable[..., DictConfig], name: str) -> None:
    """With any experiment: it sweeps, over options of its own model."""
    fitting = [o for o in EXPERIMENTS if o.endswith(f"/{name}")]
    for experiment in [*fitting, "quick"]:
        specs = build(composed(f"experiment={experiment}", f"search={name}"))
        assert (specs["model"].name, specs["training"].refit) == (name, False)
    ranges = OmegaConf.load(CONF / f"search/{name}.yaml").hydra.sweeper.params
    for key, values in ranges.items():
        for value in str(values).split(","):
            build(composed(f"search={name}", f"{key}={value}"))
    assert is_sweep([f"search={name}"])


def test_all_problems_are_listed_at_once(composed: Callable[..., DictConfig]) -> None:
    with pytest.raises(ConfigError, match=r"seed.*model\.l2.*training\.epochs"):
        build(composed("seed=-1", "model.l2=-1", "training.epochs=0"))


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


def test_sweep_goes_on_after_a_failed_job(workdir: Path) -> None:
    done = cfexp("-m", "model=bias", "seed=-1,0,1", *SMALL, cwd=workdir)
    assert done.returncode == 1
    assert "leaderboard, by val_rmse" in done.stdout
    assert "seed must be >= 0" in done.stderr
    boards = list(workdir.glob("multirun/*/*/leaderboard.csv"))
    status = pd.read_csv(boards[0])["status"].tolist()
    assert status == ["finished", "finished", "failed"]


def test_baseline_needs_no_tensorflow(workdir: Path) -> None:
    code = (
        "import sys; from cfexp.cli import run_cli\n"
        "code = run_cli(); print('TF', 'tensorflow' in sys.modules, code)"
    )
    done = cfexp(
        "model=bias", *SMALL, cwd=workdir, command=(sys.executable, "-c", code)
    )
    assert "TF False 0" in done.stdout


def test_readme_names_every_option() -> None:
    """The configuration reference is complete."""
    readme = (ROOT / "README.md").read_text()
    files = [ROOT / "conf" / "config.yaml"]
    files += [f for group in GROUPS for f in (ROOT / "conf" / group).glob("*")]
    keys = {key for file in files for key in yaml.safe_load(file.read_text())}
    hidden = {"_target_", "name", "defaults", "hydra", *GROUPS}
    assert [key for key in sorted(keys - hidden) if f"`{key}`" not in readme] == []
    options = {f.stem for f in files[1:]}
    missing = [x for x in sorted(options) if f"`{x}`" not in readme]
    assert [x for x in missing if not x.startswith("ml-")] == []
