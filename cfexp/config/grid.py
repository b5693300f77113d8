"""The grid of a sweep: every combination of the values that its options list."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig

from cfexp.errors import ConfigError


@dataclass(frozen=True)
class SweptJob:
    """A job of a sweep.

    Attributes:
        overrides: Its overrides.
        varied: Those that not all jobs have.
    """

    overrides: tuple[str, ...]
    varied: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join(self.varied or self.overrides)


@dataclass(frozen=True)
class Grid:
    """Every combination of the values of some options.

    Attributes:
        axes: Lists of choices, each choice a number of overrides, in order.
    """

    axes: tuple[tuple[tuple[str, ...], ...], ...]

    def __len__(self) -> int:
        found = 1
        for axis in self.axes:
            found *= len(axis)
        return found

    def __iter__(self) -> Iterator[SweptJob]:
        for chosen in itertools.product(*self.axes):
            pairs = list(zip(self.axes, chosen, strict=True))
            yield SweptJob(
                tuple(override for choice in chosen for override in choice),
                tuple(o for axis, choice in pairs if len(axis) > 1 for o in choice),
            )


def grid(config: DictConfig, loader: ConfigLoader) -> Grid:
    """Returns the grid of a sweep.

    Args:
        config: The sweep's configuration, including the node ``hydra``.
        loader: Lists the options that ``glob(*)`` stands for.

    Raises:
        ConfigError: An option lists no values, or a range without steps.
    """
    params = config.hydra.sweeper.get("params") or {}
    given = [f"{name}={values}" for name, values in params.items()]
    given += list(config.hydra.overrides.task)
    parser = OverridesParser.create(config_loader=loader)
    axes: dict[str, tuple[tuple[str, ...], ...]] = {}
    for override in parser.parse_overrides(given):
        axes[override.get_key_element()] = tuple((v,) for v in values_of(override))
    return Grid(tuple(axes.values()))


def values_of(override: Override) -> list[str]:
    """Returns an override for each of the values of a swept one.

    Raises:
        ConfigError: It has no value, or is a range without steps.
    """
    written, name = cast(str, override.input_line), override.get_key_element()
    if not override.is_sweep_override():
        return [written]
    if override.is_interval_sweep():
        raise ConfigError(
            f"{written} is a range without steps, for a search: add"
            " hydra/sweeper=optuna, or list values"
        )
    found = [f"{name}={value}" for value in override.sweep_string_iterator()]
    if not found:
        raise ConfigError(
            f"{written} lists no values, so the sweep has no jobs. Give at least one"
        )
    return found
