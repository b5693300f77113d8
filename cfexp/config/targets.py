"""Finds the class that a ``_target_`` names.

Importing a module runs it: modules that do not define such a class are not imported,
and neither are those that a saved model names, unless the user's configuration does.
"""

import ast
import dataclasses
import importlib
import importlib.util
import inspect
import re
import sys
from collections.abc import Mapping
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any, TypeGuard

from hydra.core.hydra_config import HydraConfig

from cfexp.config.schema import SEVERAL
from cfexp.errors import ConfigError, did_you_mean, first_line, in_words
from cfexp.evaluation.function import metric_of
from cfexp.models.travelling import start_tensorflow_for
from cfexp.spec import TARGET, Spec

OURS = "cfexp."
# The base class of each group's classes.
BASES = {
    "dataset": "Dataset",
    "split": "Splitter",
    "features": "Features",
    "model": "Model",
    "optimizer": "Optimizer",
    "training": "Training",
    "evaluation": "EvaluationSettings",
    "tracking": "Tracking",
    "metrics": "Metric",
}


def spec_class(group: str, target: str) -> type[Spec]:
    """Returns the class that the ``_target_`` of a group names; see `metric_of`.

    Raises:
        ConfigError: The module or class does not exist, is not derived from the
            group's base class, or lacks a method.
    """
    option = f"{group}._target_"
    module, _, name = target.rpartition(".")
    found = _find(module)
    if found is None:
        raise _no_module(f"{option}={target}", module or target)
    if module not in sys.modules and not module.startswith(OURS):
        _check_defined(group, target, found)
    if not module.startswith(OURS):
        start_tensorflow_for(Path(str(found.origin)))
    try:
        cls: object = getattr(importlib.import_module(module), name, None)
    except Exception as error:
        raise ConfigError(
            f"{option}={target}: {found.origin} cannot be imported:"
            f" {in_words(error)}: {first_line(error)}"
        ) from error
    if group == SEVERAL and inspect.isfunction(cls):
        cls = metric_of(cls)
    if _is_of(cls, group):
        _check_usable(f"{option}={target}", cls)
        return cls
    loaded = sys.modules[module]
    known = [n for n in dir(loaded) if _is_of(getattr(loaded, n), group)]
    other = getattr(cls, "group", None)
    usage = f", which is for {other}" if other in BASES else ""
    raise ConfigError(
        f"{_must(group)}. Got: {target}{usage}{did_you_mean(name, known)}"
    )


def _no_module(said: str, module: str) -> ConfigError:
    """Returns the error of a module that is not found."""
    if module.startswith(OURS):
        return ConfigError(
            f"{said}: this version of cfexp has no module {module}. A run of another"
            " version must be trained again; in a config, correct the name"
        )
    places = ", ".join(sys.path[1:] if sys.path[:1] == [""] else sys.path)
    return ConfigError(
        f"{said}: there is no module {module} in {places}. Add its folder to"
        " PYTHONPATH, or correct the name"
    )


def check_saved(saved: Mapping[str, Any], own: Mapping[str, Any], folder: str) -> None:
    """Checks that the settings in a model folder name no untrusted class.

    Args:
        saved: The settings in the folder.
        own: The settings of this run.
        folder: The folder.

    Raises:
        ConfigError: They name a class that is neither cfexp's, nor in `own`, nor in a
            config file of Hydra's search path, including ``--config-dir``.
    """
    known = _targets(own)
    for option, target in _targets(saved).items():
        if target.startswith(OURS) or known.get(option) == target:
            continue
        if target not in _configured(option.partition(".")[0]):
            raise ConfigError(
                f"run_id={folder} names a class that is not cfexp's: {option}."
                f"_target_={target}. If you trust it, give the --config-dir that"
                f" names it, or add {option}._target_={target}"
            )


def named_modules(own: Mapping[str, Any]) -> set[str]:
    """Returns the modules of the classes that the user names, as in `check_saved`."""
    given = set(_targets(own).values())
    targets = given.union(*(_configured(group) for group in BASES))
    modules = {target.rpartition(".")[0] for target in targets}
    return {name for name in modules if name and not f"{name}.".startswith(OURS)}


def _targets(settings: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Returns the class that each table of some settings names, by its option."""
    found: dict[str, str] = {}
    for name, table in settings.items():
        if isinstance(table, Mapping):
            found |= _targets(table, f"{prefix}{name}.")
            if TARGET in table:
                found[f"{prefix}{name}"] = str(table[TARGET])
    return found


def _find(module: str) -> ModuleSpec | None:
    """Returns where a module is; its parent packages are imported."""
    try:
        return importlib.util.find_spec(module) if module else None
    except (ImportError, ValueError):
        return None


def _check_usable(option: str, cls: type[Spec]) -> None:
    """Checks that objects of a class can be created.

    Raises:
        ConfigError: It lacks a method, or is decorated as a dataclass.
    """
    if missing := getattr(cls, "__abstractmethods__", None):
        raise ConfigError(
            f"{option} has no method {' and no '.join(sorted(missing))}. Define it, or"
            " name another class"
        )
    if dataclasses.is_dataclass(cls):
        raise ConfigError(
            f"{option} must not be decorated with @dataclass: its base class checks its"
            " fields. Remove the decorator"
        )


def _must(group: str) -> str:
    more = " or a function, as module.name" if group == SEVERAL else ""
    return (
        f"{group}._target_ must name a class derived from {BASES[group]} of cfexp, as"
        f" module.Class{more}"
    )


def _check_defined(group: str, target: str, module: ModuleSpec) -> None:
    """Checks in a module's source, without running it, that it has such a class.

    Raises:
        ConfigError: It neither imports the name nor defines a class with a base class,
            nor, of a metric, a function.
    """
    name = target.rpartition(".")[2]
    source = getattr(module.loader, "get_source", lambda _: None)(module.name)
    try:
        nodes = list(ast.walk(ast.parse(source or "")))
    except SyntaxError as error:
        raise ConfigError(
            f"{group}._target_={target}: {module.origin}, line {error.lineno}:"
            f" {error.msg}"
        ) from error
    classes = [n for n in nodes if isinstance(n, ast.ClassDef) and n.bases]
    imported = [a for n in nodes if isinstance(n, ast.ImportFrom) for a in n.names]
    known = [c.name for c in classes] + [a.asname or a.name for a in imported]
    if group == SEVERAL:
        known += [n.name for n in nodes if isinstance(n, ast.FunctionDef)]
    if name not in known:
        raise ConfigError(
            f"{_must(group)}. Got: {target}, but {module.origin} defines no such class"
            f"{did_you_mean(name, known)}"
        )


def _configured(group: str) -> set[str]:
    """Returns the ``_target_`` of each option of a group in Hydra's search path."""
    if not HydraConfig.initialized():
        return set()
    places = HydraConfig.get().runtime.config_sources
    folders = [Path(place.path) / group for place in places if place.schema == "file"]
    found: set[str] = set()
    for file in (path for folder in folders for path in folder.rglob("*.yaml")):
        found |= set(re.findall(r"^_target_: *(\S+)", file.read_text(), re.M))
    return found


def _is_of(value: object, group: str) -> TypeGuard[type[Spec]]:
    is_spec = isinstance(value, type) and issubclass(value, Spec)
    return is_spec and value.group == group  # type: ignore[attr-defined]
