"""Composes an experiment from overrides, for `cfexp.compose`."""

from typing import TYPE_CHECKING

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from cfexp.config import compose as with_hydra
from cfexp.config.build import build
from cfexp.config.explain import explain
from cfexp.config.options import Options
from cfexp.errors import ConfigError

if TYPE_CHECKING:
    from cfexp.experiment import Experiment

# Errors of a configuration that cannot be composed; any other is a bug of cfexp.
COMPOSE_ERRORS = (
    HydraException,
    OmegaConfBaseException,
    YAMLError,
    ValueError,
    RecursionError,
)
# Options that are not part of an experiment, and what replaces some of them in Python.
OTHERS = (*Options.model_fields, "tracking", "search", "hydra")
INSTEAD = {
    "tracking": "cfexp.train(experiment, tracking=URI)",
    "hydra": "cfexp.train(experiment, folder=FOLDER)",
    "run_name": "cfexp.train(experiment, name=NAME)",
    "run_id": "cfexp.load(RUN)",
}


def compose(*overrides: str) -> "Experiment":
    """Returns the experiment that the command line would run.

    Args:
        overrides: Overrides as on the command line, such as ``"dataset=ml-100k"`` and
            ``"embed_dim=64"``.

    Raises:
        ConfigError: An option or a value is wrong, or is not part of an experiment;
            the message is that of the command line.
    """
    try:
        for override in overrides:
            _check_part(override)
        request = build(with_hydra.compose(list(overrides)))
    except COMPOSE_ERRORS as error:
        raise ConfigError(explain(error, arguments=overrides)) from None
    plain = Options().settings()
    for name, value in request.options.settings().items():
        if value != plain[name]:  # set by a file that experiment= names
            raise _no_part(f"{name}={value}", name)
    return request.experiment


def _check_part(override: str) -> None:
    """Checks that an override is part of an experiment.

    Raises:
        ConfigError: It is not.
    """
    if not isinstance(override, str):
        raise ConfigError(
            'cfexp.compose takes strings, as in compose("model=dot", "embed_dim=64").'
            f" Got: {override!r}"
        )
    (parsed,) = OverridesParser.create().parse_overrides([override])
    name = parsed.key_or_group.replace("/", ".").partition(".")[0]
    if name in OTHERS:
        raise _no_part(override, name)


def _no_part(override: str, name: str) -> ConfigError:
    return ConfigError(
        f"{override} is not part of an experiment, which cfexp.compose returns. Use"
        f" {INSTEAD.get(name, 'the command line')} for it"
    )
