"""Finds the class that a ``_target_`` names, and imports no module in vain.

A module that does not define such a class is not imported, since that runs it. What a
stranger's model folder names is not imported at all, unless the user names it too.
"""

import ast
import importlib
import importlib.util
import re
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from cfexp.errors import ConfigError, did_you_mean, first_line, in_words
from cfexp.spec import Spec

OURS = "cfexp."


def spec_class(option: str, target: str) -> type[Spec]:
    """Returns the class that an option such as ``model._target_`` names.

    Raises:
        ConfigError: There is no such module or class, or it is not derived from `Spec`.
    """
    module, _, name = target.rpartition(".")
    found = _find(module)
    if found is None:
        places = ", ".join(sys.path[1:] if sys.path[:1] == [""] else sys.path)
        raise ConfigError(
            f"{option}={target}: there is no module {module or target} in {places}. Add"
            " its folder to PYTHONPATH, or correct the name"
        )
    if module not in sys.modules and not module.startswith(OURS):
        _check_defined(option, target, found)
    try:
        cls = getattr(importlib.import_module(module), name, None)
    except Exception as error:
        raise ConfigError(
            f"{option}={target}: {found.origin} cannot be imported:"
            f" {in_words(error)}: {first_line(error)}"
        ) from error
    if not isinstance(cls, type) or not issubclass(cls, Spec):
        known = [n for n, c in vars(sys.modules[module]).items() if _is_spec(c)]
        raise ConfigError(
            f"{option} must name a class derived from Spec of cfexp, as module.Class."
            f" Got: {target}{did_you_mean(name, known)}"
        )
    return cls


def check_saved(saved: DictConfig, cfg: DictConfig) -> None:
    """Checks that the configuration in a model folder names no stranger's class.

    Args:
        saved: The configuration that the folder holds.
        cfg: The user's own.

    Raises:
        ConfigError: It names a class that is neither cfexp's nor in `cfg`, nor in any
            file of the search path, as ``--config-dir`` adds to it.
    """
    for group, node in ((str(key), node) for key, node in saved.items()):
        if not isinstance(node, DictConfig) or "_target_" not in node:
            continue
        target, own = str(node["_target_"]), cfg.get(group)
        if target.startswith(OURS) or (own and own.get("_target_") == target):
            continue
        if target not in _configured(group):
            raise ConfigError(
                f"run_id={cfg.run_id} names a class that is not cfexp's: {group}."
                f"_target_={target}. Where you trust it, give the --config-dir that"
                f" names it, or add {group}._target_={target}"
            )


def _find(module: str) -> ModuleSpec | None:
    """Returns where a module is; the packages above it are imported."""
    try:
        return importlib.util.find_spec(module) if module else None
    except (ImportError, ValueError):
        return None


def _check_defined(option: str, target: str, module: ModuleSpec) -> None:
    """Checks in a module's source, without running it, that a class may be a spec.

    Raises:
        ConfigError: There is no source, or no such name; or a class without bases.
    """
    name = target.rpartition(".")[2]
    source = getattr(module.loader, "get_source", lambda _: None)(module.name)
    try:
        nodes = list(ast.walk(ast.parse(source or "")))
    except SyntaxError as error:
        raise ConfigError(
            f"{option}={target}: {module.origin}, line {error.lineno}: {error.msg}"
        ) from error
    classes = [n for n in nodes if isinstance(n, ast.ClassDef) and n.bases]
    imported = [a for n in nodes if isinstance(n, ast.ImportFrom) for a in n.names]
    known = [c.name for c in classes] + [a.asname or a.name for a in imported]
    if name not in known:
        raise ConfigError(
            f"{option} must name a class derived from Spec of cfexp, as module.Class."
            f" Got: {target}, but {module.origin} defines no such class"
            f"{did_you_mean(name, known)}"
        )


def _configured(group: str) -> set[str]:
    """Returns the `_target_` of each option of a group in Hydra's search path."""
    if not HydraConfig.initialized():
        return set()
    places = HydraConfig.get().runtime.config_sources
    folders = [Path(place.path) / group for place in places if place.schema == "file"]
    found: set[str] = set()
    for file in (path for folder in folders for path in folder.rglob("*.yaml")):
        found |= set(re.findall(r"^_target_: *(\S+)", file.read_text(), re.M))
    return found


def _is_spec(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, Spec)
