"""The groups' options and the single options that there are."""

from functools import cache
from pathlib import Path

from omegaconf import OmegaConf

from cfexp.config.compose import compose, conf_dir
from cfexp.config.schema import GROUPS


def choices_of(group: str, *folders: str | Path) -> list[str]:
    """Returns the options of a group, such as ``dot`` and ``ml-100k/dot``."""
    found = set()
    for folder in folders:
        root = Path(folder, group)
        found |= {f.relative_to(root).with_suffix("") for f in root.rglob("*.yaml")}
    return sorted(path.as_posix() for path in found)


def class_name(group: str, option: str) -> str | None:
    """Returns the name of the class of a shipped option; None if there is none."""
    return _classes(group).get(option)


def option_name(group: str, name: str) -> str:
    """Returns the first shipped option of a class, else the name of the class."""
    known = {cls: option for option, cls in reversed(_classes(group).items())}
    return known.get(name, name)


@cache
def _classes(group: str) -> dict[str, str]:
    from cfexp.spec import TARGET  # which imports pydantic

    files = sorted((conf_dir() / group).glob("*.yaml"))
    targets = {file.stem: str(OmegaConf.load(file)[TARGET]) for file in files}  # type: ignore[index]
    return {option: target.rpartition(".")[2] for option, target in targets.items()}


def owners_of(key: str) -> list[str]:
    """Returns the choices of a group, such as ``split=kfold``, that have an option."""
    group, _, option = key.partition(".")
    files = sorted((conf_dir() / group).glob("*.yaml")) if option else []
    # A set of keys: OmegaConf's `in` is false for an option that is not set.
    return [f"{group}={f.stem}" for f in files if option in set(OmegaConf.load(f))]


@cache
def options_of(group: str) -> frozenset[str]:
    """Returns the options of all choices of a group."""
    files = (conf_dir() / group).glob("*.yaml")
    return frozenset(str(key) for file in files for key in OmegaConf.load(file))


@cache
def known_keys() -> tuple[str, ...]:
    """Returns every option that can be set, those of groups as ``group.option``."""
    from cfexp.spec import TARGET  # imports pydantic, and ``--help`` this module

    cfg = compose([])
    keys = [str(key) for key in cfg]
    for group in GROUPS:
        keys += [f"{group}.{key}" for key in cfg[group] if key != TARGET]
    return tuple(keys)
