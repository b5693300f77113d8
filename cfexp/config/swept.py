"""Checks the values of a sweep before its first job is trained."""

from typing import cast

from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig

from cfexp.errors import ConfigError

BASIC = "BasicSweeper"


def check_values(config: DictConfig) -> None:
    """Composes a job for each swept value; Hydra would do so only at the job's turn.

    Args:
        config: The sweep's configuration, including the node ``hydra``.

    Raises:
        ConfigError: The sweep has no job.
        HydraException: A value cannot be composed.
    """
    if not str(config.hydra.sweeper._target_).endswith(BASIC):
        return  # other sweepers choose values while they run
    given = OverridesParser.create().parse_overrides(list(config.hydra.overrides.task))
    values = [_values(override) for override in given]
    loader = GlobalHydra.instance().hydra.config_loader  # type: ignore[union-attr]
    firsts = [each[0] for each in values]
    for place, each in enumerate(values):
        for value in each if len(each) > 1 else []:
            job = [*firsts[:place], value, *firsts[place + 1 :]]
            loader.load_sweep_config(config, job)


def _values(override: Override) -> list[str]:
    """Returns an override for each of the values of a swept one.

    Raises:
        ConfigError: It has no value.
    """
    written = cast(str, override.input_line)
    if not override.is_sweep_override():
        return [written]
    name = override.get_key_element()
    found = [f"{name}={value}" for value in override.sweep_string_iterator()]
    if not found:
        raise ConfigError(
            f"{written} lists no values, so the sweep has no jobs. Give at least one"
        )
    return found
