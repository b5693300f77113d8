"""Composes a configuration with Hydra."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.plugins import Plugins
from hydra.types import RunMode
from hydra.version import VersionBase
from omegaconf import DictConfig

from cfexp.config.schema import ACROSS, Config


def register() -> None:
    """Makes the schema known to Hydra."""
    store = ConfigStore.instance()
    store.store(name="schema", node=Config)
    Plugins.instance()  # finds plugins, which bring configs of their own
    # Hydra would take those for schemas of ours with the same name, and refuse.
    for ours in conf_dir().glob("hydra/*/**/*.yaml"):
        group = store.repo
        for part in ours.relative_to(conf_dir()).parent.parts:
            group = group.get(part, {})
        group.pop(ours.name, None)


def conf_dir() -> Path:
    """Returns the folder of the shipped configs: in a wheel, or beside a clone."""
    package = Path(__file__).parents[1]
    inside = package / "conf"
    return inside if inside.is_dir() else package.parent / "conf"


def compose(overrides: list[str]) -> DictConfig:
    """Returns the configuration that the command line would compose.

    Args:
        overrides: As on the command line, ``model=dot`` and so on.
    """
    with _own_hydra():
        return hydra.compose("config", without_nulls(overrides))


@contextmanager
def _own_hydra() -> Iterator[None]:
    """Sets Hydra up to compose our configs; a program's own Hydra stays as it was."""
    register()
    theirs, base = GlobalHydra.instance().hydra, VersionBase.instance().getbase()
    GlobalHydra.instance().clear()
    try:
        with hydra.initialize_config_dir(str(conf_dir()), version_base="1.3"):
            yield
    finally:
        GlobalHydra.instance().hydra = theirs
        VersionBase.instance().version_base = base


def is_sweep(overrides: list[str]) -> bool:
    """Returns whether overrides ask for a sweep, as ``search=dot`` does."""
    with _own_hydra():
        cfg = hydra.compose("config", overrides, return_hydra_config=True)
    return cfg.hydra.mode is RunMode.MULTIRUN


def without_nulls(overrides: list[str]) -> list[str]:
    """Returns overrides without those that give an experiment or search null."""
    return [o for o in overrides if o not in [f"{group}=null" for group in ACROSS]]
