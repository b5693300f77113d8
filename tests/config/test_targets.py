"""Classes that a configuration names: found where they are, and not run in vain."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers import SMALL, cfexp
from omegaconf import DictConfig

from cfexp.config.build import build
from cfexp.config.overrides import with_overrides
from cfexp.config.targets import spec_class
from cfexp.errors import ConfigError
from cfexp.models.ncf import Ncf

RUNS = "raise SystemExit('this module was run')\n"
MINE = "from cfexp.models.bias import Mean\nclass Mine(Mean):\n    pass\n"


@pytest.fixture
def modules(workdir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of modules."""
    monkeypatch.syspath_prepend(str(workdir))
    return workdir


def refused(target: str) -> str:
    """Returns the one line that a target is refused with."""
    with pytest.raises(ConfigError) as error:
        spec_class("model", target)
    assert "\n" not in str(error.value)
    assert target in str(error.value)
    return str(error.value)


def test_class_of_a_module(modules: Path) -> None:
    (modules / "mine_good.py").write_text(MINE)
    assert spec_class("model", "mine_good.Mine").__name__ == "Mine"
    assert spec_class("model", "cfexp.models.ncf.Ncf") is Ncf
    assert "did you mean Ncf" in refused("cfexp.models.ncf.Nfc")
    assert "did you mean Ncf" in refused("cfexp.models.Nfc")
    assert "derived from Model of cfexp" in refused("os.getcwd")
    assert "which is for split" in refused("cfexp.data.folds.KFold")
    assert "has no method build" in refused("cfexp.models.base.NeuralModel")


def test_class_with_the_decorator_of_old(modules: Path) -> None:
    """Which would take the checks of its fields away."""
    (modules / "mine_old.py").write_text(
        f"from dataclasses import dataclass\n{MINE}".replace(
            "class Mine", "@dataclass(frozen=True)\nclass Mine"
        )
    )
    assert "Remove the decorator" in refused("mine_old.Mine")


@pytest.mark.parametrize(
    "source", [RUNS, f"{RUNS}class Evil:\n    pass\n", f"def Evil(): ...\n{RUNS}"]
)
def test_module_without_the_class_is_not_run(modules: Path, source: str) -> None:
    (modules / "evil_module.py").write_text(source)
    said = refused("evil_module.Evil")
    assert f"{modules / 'evil_module.py'} defines no such class" in said
    assert "evil_module" not in sys.modules


def test_module_that_cannot_be_imported(modules: Path) -> None:
    said = refused("not_there.Mine")
    assert f"there is no module not_there in {modules}" in said
    assert "Add its folder to PYTHONPATH" in said
    assert "there is no module Mine" in refused("Mine")
    assert "this version of cfexp has no module" in refused("cfexp.old.Mine")
    assert "there is no module no_package.x" in refused("no_package.x.Mine")
    (modules / "mine_broken.py").write_text(f"import no_such_thing\n{MINE}")
    said = refused("mine_broken.Mine")
    assert f"{modules / 'mine_broken.py'} cannot be imported" in said
    assert "No module named 'no_such_thing'" in said
    (modules / "mine_typo.py").write_text(f"{MINE}def\n")
    assert f"{modules / 'mine_typo.py'}, line 4" in refused("mine_typo.Mine")


def test_a_strangers_folder_names_no_class(
    modules: Path, composed: Callable[..., DictConfig]
) -> None:
    """But one that the user names too."""
    (modules / "evil_saved.py").write_text(f"{RUNS}{MINE}")
    saved = build(composed("model=mean")).experiment.settings()
    saved["model"]["_target_"] = "evil_saved.Mine"
    (modules / "folder").mkdir()
    request = build(composed("mode=evaluate", "run_id=folder"))
    with pytest.raises(ConfigError, match="model._target_=evil_saved.Mine. If you"):
        with_overrides(saved, request, [])
    assert "evil_saved" not in sys.modules
    own = "model._target_=evil_saved.Mine"
    with pytest.raises(SystemExit):  # now it is imported, and so run
        build(composed("mode=evaluate", "run_id=folder", "model=mean", own))


def test_a_saved_configuration_does_not_act(
    composed: Callable[..., DictConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "secret")
    cfg = composed("dataset=csv", r"dataset.ratings='\${oc.env:TOKEN}'")
    saved = build(cfg).experiment.settings()
    request = build(composed("mode=evaluate", "run_id=x", "tracking=none"))
    again = with_overrides(saved, request, [])
    assert again.settings()["dataset"]["ratings"] == "${oc.env:TOKEN}"


@pytest.mark.slow
def test_own_model_outside(workdir: Path) -> None:
    """With --config-dir for its options and PYTHONPATH for its module, as README."""
    (workdir / "mine.py").write_text(MINE)
    (workdir / "own/model").mkdir(parents=True)
    (workdir / "own/model/mine.yaml").write_text("_target_: mine.Mine\n")
    own = ["--config-dir", "own"]
    done = cfexp(*own, "model=mine", *SMALL, "hydra.run.dir=run", cwd=workdir)
    assert done.returncode == 0, done.stderr
    use = ["mode=evaluate", "run_id=run", "tracking=none"]
    done = cfexp(*use, cwd=workdir)
    assert "names a class that is not cfexp's: model._target_=mine.Mine" in done.stderr
    done = cfexp(*own, *use, cwd=workdir)
    assert done.returncode == 0, done.stderr
