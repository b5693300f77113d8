"""The grid of a sweep: every combination of the values that its options list."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf

from cfexp.errors import ConfigError

# The choices of an option, or of several that go together: overrides for each choice.
Axis = tuple[tuple[str, ...], ...]


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

    axes: tuple[Axis, ...]

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
        ConfigError: An option lists no values, or a range without steps; ``zip`` cannot
            be followed.
    """
    axes: dict[str, Axis] = {}
    for override in swept_options(config, loader):
        if override.key_or_group != "zip":
            axes[override.get_key_element()] = tuple((v,) for v in values_of(override))
    names: list[Any] = OmegaConf.to_container(config.zip)  # type: ignore[assignment]
    for group in names if any(isinstance(n, list) for n in names) else [names]:
        axes = zipped(axes, group) if group else axes
    return Grid(tuple(axes.values()))


def swept_options(config: DictConfig, loader: ConfigLoader) -> list[Override]:
    """Returns the options of a sweep: its sweeper's, then those of the command line.

    Args:
        config: The sweep's configuration, including the node ``hydra``.
        loader: Lists the options that ``glob(*)`` stands for.
    """
    params = config.hydra.sweeper.get("params") or {}
    given = [f"{name}={values}" for name, values in params.items()]
    given += list(config.hydra.overrides.task)
    return OverridesParser.create(config_loader=loader).parse_overrides(given)


def zipped(axes: Mapping[str, Axis], names: Sequence[str]) -> dict[str, Axis]:
    """Returns axes with those of some options as one, value by value.

    Args:
        axes: The axes by option.
        names: The options that go together.

    Raises:
        ConfigError: They do not list equally many values, or one is not swept.
    """
    written = f"zip=[{','.join(map(str, names))}]"
    own = {name.lstrip("+"): name for name in axes}
    if len(set(names)) < 2 or len(set(names)) < len(names):
        raise ConfigError(f"{written} must name two options or more, each once")
    for name in names:
        if name not in own:
            raise ConfigError(
                f"{written}: {name} lists no values in this sweep, or goes with others"
                f" already. Give it values, as in {name}=a,b, or leave it out of zip"
            )
    sizes = {name: len(axes[own[name]]) for name in names}
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{name} lists {n}" for name, n in sizes.items())
        raise ConfigError(
            f"{written} takes the first values together, the second ones and so on, but"
            f" {listed}. List equally many"
        )
    members = [axes[own[name]] for name in names]
    both = tuple(sum(choice, ()) for choice in zip(*members, strict=True))
    at = next(name for name in axes if name in [own[n] for n in names])
    rest = {own[name] for name in names} - {at}
    return {n: both if n == at else a for n, a in axes.items() if n not in rest}


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
