"""Expresses an experiment as overrides of the command line, for names and tags."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from hydra.core.override_parser.types import Quote, QuotedString
from omegaconf import OmegaConf

from cfexp.config.compose import conf_dir
from cfexp.config.schema import SHORT
from cfexp.experiment import Experiment
from cfexp.spec import TARGET, Spec

PLAIN = re.compile(r"[A-Za-z_./-][\w./-]*")


def overrides_of(experiment: Experiment) -> list[str] | None:
    """Returns the overrides that compose an experiment; None if there are none.

    There are none if it has DataFrames, or a class of the user's own.
    """
    default = _defaults()
    found: list[str] = []
    for name in Experiment.model_fields:
        value = getattr(experiment, name)
        if not isinstance(value, Spec):
            usual = Experiment.model_fields[name].default
            found += [] if value == usual else [f"{name}={_written(value)}"]
            continue
        option = _nearest(name, value)
        if option is None:
            return None
        found += [] if option == default[name] else [f"{name}={option}"]
        found += _changes(name, value.settings(), _options(name)[option])
    return [_shortened(override) for override in found]


def _shortened(override: str) -> str:
    for short, name in SHORT.items():
        if override.startswith(f"{name}="):
            return override.replace(name, short, 1)
    return override


@cache
def _defaults() -> dict[str, str]:
    """Returns the default option of each group."""
    config: Any = OmegaConf.to_container(OmegaConf.load(conf_dir() / "config.yaml"))
    return {
        k: v
        for each in config["defaults"]
        if not isinstance(each, str)
        for k, v in each.items()
    }


@cache
def _options(group: str) -> dict[str, dict[str, Any]]:
    """Returns the values of each option of a group that names a class."""
    files = sorted((conf_dir() / group).glob("*.yaml"))
    found: dict[str, Any] = {
        f.stem: OmegaConf.to_container(OmegaConf.load(f)) for f in files
    }
    return {name: values for name, values in found.items() if TARGET in values}


def _nearest(group: str, value: Spec) -> str | None:
    """Returns the option of the same class with the fewest different values."""
    changes = {
        name: len(list(_changes(group, value.settings(), values)))
        for name, values in _options(group).items()
        if values[TARGET] == value.target()
    }
    return min(changes, key=lambda name: changes[name], default=None)


def _changes(
    prefix: str, values: Mapping[str, Any], usual: Mapping[str, Any]
) -> Iterator[str]:
    for name, value in values.items():
        if isinstance(value, Mapping) and isinstance(usual.get(name), Mapping):
            yield from _changes(f"{prefix}.{name}", value, usual[name])
        elif name not in usual:
            yield f"+{prefix}.{name}={_written(value)}"
        elif value != usual[name]:
            yield f"{prefix}.{name}={_written(value)}"


def _written(value: Any) -> str:
    """Returns a value in Hydra's syntax of overrides."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{','.join(map(_written, value))}]"
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{k}:{_written(v)}" for k, v in value.items()) + "}"
    if isinstance(value, str) and not PLAIN.fullmatch(value):
        return QuotedString(value, Quote.single).with_quotes()
    return str(value)
