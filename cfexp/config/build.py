"""Checks a composed configuration and builds objects from it.

Imports no heavy library: all problems are reported before TensorFlow is loaded.
"""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from omegaconf import MISSING, Container, DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from cfexp.config.options import Options
from cfexp.config.schema import GROUPS, SEVERAL, SHORT, Config
from cfexp.config.short import has
from cfexp.config.targets import spec_class
from cfexp.config.wording import interpolation_problem, problem_of
from cfexp.errors import ConfigError, did_you_mean
from cfexp.spec import NOT_SET, TARGET, Spec, SpecError
from cfexp.tracking.settings import Tracking

if TYPE_CHECKING:
    from cfexp.experiment import Experiment

T = TypeVar("T")
P = ParamSpec("P")


@dataclass(frozen=True)
class Request:
    """The objects built from a composed configuration.

    Attributes:
        options: The mode and its options.
        experiment: The experiment.
        tracking: Where to track it.
    """

    options: Options
    experiment: "Experiment"
    tracking: Tracking


class _Problems(list[str]):
    """Collects the problems of a configuration, to report all of them at once."""

    def attempt(
        self, make: Callable[P, T], *arguments: P.args, **options: P.kwargs
    ) -> T | None:
        """Returns the result of `make`; None if it raises a problem, which is kept."""
        try:
            return make(*arguments, **options)
        except SpecError as error:
            self.extend(error.problems)
        except ConfigError as error:
            self.append(str(error))
        return None

    def check(self) -> None:
        """Raises one error for all problems, if there are any.

        Raises:
            ConfigError: There are problems; the message lists all of them.
        """
        if self:
            raise ConfigError("; ".join(dict.fromkeys(self)))


def build(cfg: DictConfig, *, swept: bool = False) -> Request:
    """Checks a composed configuration and builds its objects.

    Args:
        cfg: The configuration.
        swept: Whether it is a job of a sweep, where ``embed_dim`` and ``members`` are
            ignored for models that have none.

    Raises:
        ConfigError: The configuration has problems; the message lists all of them.
    """
    from cfexp.data.synthetic import Synthetic  # which imports pandas
    from cfexp.experiment import Experiment

    problems = _Problems()
    values = _values(cfg, problems)
    given = {name: values[name] for name in Options.model_fields}
    options = problems.attempt(Options, **given)
    if options and options.zip and not swept:
        problems.append(
            f"zip={_written(options.settings()['zip'])} is for a sweep: add -m"
        )
    for name in SHORT:
        problems.attempt(_set_short, name, values, swept=swept)
    specs: dict[str, Any] = {
        group: problems.attempt(build_group, group, values[group])
        for group in GROUPS
        if values[group]
    }
    tracking = specs.pop("tracking", None)
    rest = {n: values[n] for n in Experiment.model_fields if n not in GROUPS}
    # If a group is wrong, its default is used, to check the other options too.
    valid = {group: spec for group, spec in specs.items() if spec}
    groups = {"dataset": Synthetic(), **valid}
    experiment = problems.attempt(Experiment, **groups, **rest)
    problems.check()
    assert options
    assert experiment
    assert isinstance(tracking, Tracking)
    return Request(options, experiment, tracking)


def _values(cfg: DictConfig, problems: _Problems) -> dict[str, Any]:
    """Returns the plain values of all options; None for those with a problem."""
    known = [field.name for field in dataclasses.fields(Config)]
    for key in map(str, cfg):
        if key not in (*known, "hydra"):
            problems.append(f"there is no option {key}{did_you_mean(key, known)}")
    return {name: problems.attempt(plain, cfg, name) for name in known}


def _written(value: list[Any]) -> str:
    """Returns a list as it is written on the command line."""
    return str(value).replace("'", "").replace(" ", "")


def experiment_of(saved: Mapping[str, Any]) -> "Experiment":
    """Returns the experiment of saved settings.

    Args:
        saved: The result of `cfexp.experiment.Experiment.settings`.

    Raises:
        ConfigError: The settings do not fit this version of cfexp.
    """
    from cfexp.experiment import Experiment

    values: dict[str, Any] = {
        name: build_group(name, value) if name in GROUPS else value
        for name, value in saved.items()
    }
    return Experiment(**values)


def plain(cfg: DictConfig, name: str) -> Any:
    """Returns an option's value with interpolations resolved.

    Raises:
        ConfigError: It is not set, or an interpolation cannot be resolved.
    """
    if OmegaConf.is_missing(cfg, name):
        raise ConfigError(f"{name} is not set: choose one with {name}=NAME")
    try:
        value = cfg[name]
        nested = isinstance(value, Container)
        return OmegaConf.to_container(value, resolve=True) if nested else value
    except OmegaConfBaseException as error:
        problem = interpolation_problem(error) or f"{name} {problem_of(error)}"
        raise ConfigError(problem) from error


def build_group(group: str, values: Mapping[str, Any]) -> Spec | dict[str, Spec]:
    """Returns the object of a group, or objects by name if it has several.

    Raises:
        ConfigError: As `build_spec`.
    """
    if group != SEVERAL:
        return build_spec(group, values)
    if TARGET in values:
        raise ConfigError(
            f"{group}: the file of {values[TARGET]} must begin with the line"
            f" # @package {group}.NAME"
        )
    problems, found = _Problems(), {}
    for name, own in values.items():
        if spec := problems.attempt(build_spec, group, own, f"{group}.{name}"):
            found[name] = spec
    if problems:
        raise SpecError(*problems)
    return found


def build_spec(
    group: str, values: Mapping[str, Any], option: str | None = None
) -> Spec:
    """Returns an object of the class that a group's ``_target_`` names.

    Args:
        group: The group.
        values: The class and its options.
        option: What the spec is called; as the group where None.

    Raises:
        ConfigError: Values are unknown, missing, ill-typed or out of range; the
            message lists all of them.
    """
    option = option or group
    if not isinstance(values, Mapping) or TARGET not in values:
        raise ConfigError(f"{option}: {TARGET} is missing; name a class there")
    cls = spec_class(group, str(values[TARGET]))
    own = {name: value for name, value in values.items() if name != TARGET}
    problems = [f"{name} {NOT_SET}" for name, value in own.items() if value == MISSING]
    try:
        spec = cls(**{k: v for k, v in own.items() if v != MISSING})
    except SpecError as error:
        problems += error.problems
    if problems:
        raise SpecError(*(f"{option}.{each}" for each in problems))
    return spec


def _set_short(name: str, values: Mapping[str, Any], *, swept: bool) -> None:
    """Sets an option, such as ``model.embed_dim``, to the value of its short form.

    Raises:
        ConfigError: The model has no such option, and this is no sweep.
    """
    group, _, option = SHORT[name].partition(".")
    value = values[name]
    if value is None or not values["model"] or not values[group]:
        return
    cls = spec_class("model", str(values["model"].get(TARGET)))
    if has(cls, name):
        values[group][option] = value
    elif not swept:
        raise ConfigError(f"{name}={value}: {cls.label()} has none; leave it out")
