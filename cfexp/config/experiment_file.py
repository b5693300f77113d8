"""An experiment file that does what overrides of the command line do."""

from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from cfexp.config.compose import is_sweep
from cfexp.config.schema import GROUPS


def experiment(overrides: list[str]) -> dict[str, Any]:
    """Returns the contents of an experiment file that does what overrides do."""
    defaults: list[Any] = []
    named = [o for o in overrides if o.startswith("experiment=")]
    values = OmegaConf.create({})
    for override in OverridesParser.create().parse_overrides(overrides):
        key = override.key_or_group
        if key == "experiment":
            defaults.insert(0, override.value())
        elif key in GROUPS:
            defaults.append({f"override /{key}": override.value()})
        else:
            OmegaConf.update(values, key, override.value())
    found: dict[str, Any] = {"defaults": [*defaults, "_self_"]}
    found |= OmegaConf.to_container(values)  # type: ignore[arg-type]
    # A search, of which this is one job.
    if named and is_sweep(overrides):
        found["hydra"] = {"mode": "RUN"}
    return found
