"""The space of a search: options with ranges or lists of values."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.types import (
    IntervalSweep,
    Override,
    Quote,
    QuotedString,
    RangeSweep,
)
from omegaconf import DictConfig, OmegaConf

from cfexp.config.grid import SweptJob, swept_options, values_of
from cfexp.config.identity import sweep_key
from cfexp.config.schema import SHORT
from cfexp.errors import ConfigError

Value = str | int | float


@dataclass(frozen=True)
class Dimension:
    """The values of an option that a search chooses from.

    Attributes:
        values: The values of a list; empty for a range.
        low: The lowest value of a range.
        high: The highest value of a range.
        step: The distance of a range's values; None for any value.
        log: Whether a range is searched on a logarithmic scale.
    """

    values: tuple[str, ...] = ()
    low: int | float = 0
    high: int | float = 0
    step: int | float | None = None
    log: bool = False

    @property
    def ends(self) -> tuple[Value, ...]:
        """The values that are checked before the search starts."""
        return self.values or (self.low, self.high)

    @property
    def size(self) -> int | None:
        """The number of values; None if there are infinitely many."""
        if self.values:
            return len(self.values)
        if isinstance(self.low, int) and isinstance(self.high, int):
            return (self.high - self.low) // int(self.step or 1) + 1
        return (
            None if self.step is None else round((self.high - self.low) / self.step) + 1
        )


@dataclass(frozen=True)
class Space:
    """The overrides of a search.

    Attributes:
        fixed: Overrides that all jobs have.
        dimensions: What is searched, by option.
    """

    fixed: tuple[str, ...]
    dimensions: Mapping[str, Dimension]

    @property
    def size(self) -> int | None:
        """The number of different jobs; None if there are infinitely many."""
        found = 1
        for one in self.dimensions.values():
            if one.size is None:
                return None
            found *= one.size
        return found

    def job(self, values: Mapping[str, Value]) -> SweptJob:
        """Returns the job with these values."""
        own = tuple(f"{name}={_text(value)}" for name, value in values.items())
        return SweptJob((*self.fixed, *own), own)

    def probes(self) -> list[SweptJob]:
        """Returns jobs with each end of each range, and each value of each list."""
        first = {name: one.ends[0] for name, one in self.dimensions.items()}
        others = [
            first | {name: end}
            for name, one in self.dimensions.items()
            for end in one.ends[1:]
        ]
        return [self.job(values) for values in (first, *others)]


def _text(value: Value) -> str:
    """Returns a value as in an override; six digits of a fraction are enough."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def space_of(config: DictConfig, loader: ConfigLoader) -> Space:
    """Returns the space of a search.

    Args:
        config: The search's configuration, including the node ``hydra``.
        loader: Lists the options that ``glob(*)`` stands for.

    Raises:
        ConfigError: There is nothing to search, or an option lists no values.
    """
    fixed: dict[str, str] = {}
    dimensions: dict[str, Dimension] = {}
    for one in swept_options(config, loader):
        name = one.get_key_element()
        fixed.pop(name, None)
        dimensions.pop(name, None)
        if one.is_sweep_override():
            dimensions[name] = _dimension(one)
        else:
            fixed[name] = str(one.input_line)
    if not dimensions:
        raise ConfigError(
            "hydra/sweeper=optuna has nothing to search: give an option a range or"
            " several values, such as 'model.l2=interval(0.01,0.5)' or embed_dim=16,32"
        )
    if config.zip:
        raise ConfigError("zip= is for grids: leave it out of a search")
    return Space(tuple(fixed.values()), dimensions)


def _dimension(override: Override) -> Dimension:
    sweep: Any = override.value()
    if isinstance(sweep, IntervalSweep):
        low, high = cast(Any, sweep.start), cast(Any, sweep.end)
        if not low < high:
            raise ConfigError(
                f"{override.input_line} is empty: give the lower end of a range first"
            )
        log = "log" in sweep.tags
        if log and low <= 0:
            raise ConfigError(
                f"{override.input_line}: a logarithmic scale needs a lower end above 0"
            )
        return Dimension(low=low, high=high, log=log)
    values = values_of(override)
    if isinstance(sweep, RangeSweep) and len(values) > 1 and sweep.step > 0:
        numbers = [float(v.partition("=")[2]) for v in values]
        if all(isinstance(x, int) for x in (sweep.start, sweep.stop, sweep.step)):
            return Dimension(
                low=int(numbers[0]), high=int(numbers[-1]), step=sweep.step
            )
        return Dimension(low=numbers[0], high=numbers[-1], step=float(sweep.step))
    return Dimension(values=tuple(v.partition("=")[2] for v in values))


def present_values(space: Space, config: DictConfig) -> dict[str, Value]:
    """Returns the values of a configuration that are in a space.

    Args:
        space: The space.
        config: The configuration of a job without values of the space, including the
            node ``hydra``.
    """
    found: dict[str, Value] = {}
    for name, one in space.dimensions.items():
        key = name.lstrip("+")
        chosen = config.hydra.runtime.choices.get(key)
        value = chosen or OmegaConf.select(config, key, throw_on_missing=False)
        if key in SHORT and value is None:
            value = OmegaConf.select(config, SHORT[key])
        if one.values:
            found |= {name: str(value)} if str(value) in one.values else {}
        elif isinstance(value, int | float) and one.low <= value <= one.high:
            found[name] = value
    return found


def name_study(config: DictConfig) -> None:
    """Sets name and file of a search's study, for its jobs too."""
    sweeper = config.hydra.sweeper
    name = str(sweeper.study_name or sweep_key(config))
    file = str(Path(sweeper.storage or f"studies/{name}.log").absolute())
    for option, value in (("study_name", name), ("storage", file)):
        sweeper[option] = value
        quoted = QuotedString(value, Quote.single).with_quotes()
        config.hydra.overrides.hydra.append(f"hydra.sweeper.{option}={quoted}")
