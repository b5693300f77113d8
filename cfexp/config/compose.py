"""Composes a configuration with Hydra."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import hydra
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.config_search_path import SearchPathQuery
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.plugins import Plugins
from hydra.types import RunMode
from hydra.version import VersionBase
from omegaconf import DictConfig

from cfexp.config.overruled import say_overruled
from cfexp.config.schema import ACROSS, GROUPS, Config
from cfexp.errors import ConfigError


def register() -> None:
    """Registers the schema with Hydra."""
    store = ConfigStore.instance()
    store.store(name="schema", node=Config)
    Plugins.instance()  # loads plugins, which register configs of their own
    # Remove those with the name of a shipped config: Hydra would take them for schemas.
    for ours in conf_dir().glob("hydra/*/**/*.yaml"):
        group = store.repo
        for part in ours.relative_to(conf_dir()).parent.parts:
            group = group.get(part, {})
        group.pop(ours.name, None)


def conf_dir() -> Path:
    """Returns the folder of the shipped configs, in an installed wheel or a clone."""
    package = Path(__file__).parents[1]
    inside = package / "conf"
    return inside if inside.is_dir() else package.parent / "conf"


def compose(overrides: list[str]) -> DictConfig:
    """Returns the configuration that the command line would compose.

    Args:
        overrides: Overrides as on the command line, such as ``model=dot``.
    """
    with own_hydra():
        cfg = hydra.compose("config", without_nulls(overrides))
        say_overruled(cfg, overrides)
    return cfg


@contextmanager
def own_hydra(folder: str | None = None) -> Iterator[ConfigLoaderImpl]:
    """Sets Hydra up to compose our configs; a program's own Hydra stays as it was.

    Args:
        folder: A folder of the user's own configs, if any.

    Yields:
        Its loader.

    Raises:
        ConfigError: There is no such folder.
    """
    if folder is not None and not Path(folder).is_dir():
        raise ConfigError(
            f"--config-dir: there is no folder {folder}. Correct the path"
        )
    check_own_configs([folder] if folder is not None else [])
    register()
    theirs, base = GlobalHydra.instance().hydra, VersionBase.instance().getbase()
    GlobalHydra.instance().clear()
    try:
        with hydra.initialize_config_dir(str(conf_dir()), version_base="1.3"):
            path = GlobalHydra.instance().config_loader().get_search_path()
            if folder is not None:
                path.prepend(
                    provider="command-line",
                    path=f"file://{Path(folder).absolute()}",
                    anchor=SearchPathQuery(provider="schema"),
                )
            yield ConfigLoaderImpl(path)
    finally:
        GlobalHydra.instance().hydra = theirs
        VersionBase.instance().version_base = base


def check_own_configs(folders: Sequence[str]) -> None:
    """Checks that configs of the user have names of their own.

    Raises:
        ConfigError: One has the name of a shipped config, which Hydra would prefer.
    """
    ours = {f.relative_to(conf_dir()) for f in conf_dir().rglob("*.yaml")}
    for file in (f for folder in folders for f in Path(folder).rglob("*.yaml")):
        folder = next(one for one in folders if file.is_relative_to(one))
        name = file.relative_to(folder)
        if name in ours:
            own = f"{name.stem}_own"
            group = name.parent.as_posix()
            how = f", and choose {group}={own}" if group in (*GROUPS, *ACROSS) else ""
            raise ConfigError(
                f"{file} has the name of one of cfexp's own configs, which would be"
                f" used instead. Rename it, such as {own}.yaml{how}"
            )


def is_sweep(overrides: list[str]) -> bool:
    """Returns whether overrides ask for a sweep, as ``search=dot`` does."""
    with own_hydra():
        cfg = hydra.compose("config", overrides, return_hydra_config=True)
    return cfg.hydra.mode is RunMode.MULTIRUN


def without_nulls(overrides: list[str]) -> list[str]:
    """Returns overrides without ``experiment=null`` and ``search=null``."""
    return [o for o in overrides if o not in [f"{group}=null" for group in ACROSS]]
