"""Writes overrides of the command line as an experiment file."""

from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from cfexp.config.schema import ACROSS, GROUPS


def experiment(overrides: list[str]) -> dict[str, Any]:
    """Returns the content of an experiment file with the same effect as overrides."""
    across: list[Any] = []
    groups: list[Any] = []
    values = OmegaConf.create({})
    for override in OverridesParser.create().parse_overrides(overrides):
        key = override.key_or_group
        if key in ACROSS:
            across.append(f"/{key}/{override.value()}")
        elif key in GROUPS:
            groups.append({f"override /{key}": override.value()})
        else:
            OmegaConf.update(values, key, override.value())
    found: dict[str, Any] = {"defaults": [*sorted(across), *groups, "_self_"]}
    found |= OmegaConf.to_container(values)  # type: ignore[arg-type]
    if across:  # one may be a search, of which these overrides are one job
        found["hydra"] = {"mode": "RUN"}
    return found
