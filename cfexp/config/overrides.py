"""Applies overrides of the command line to the experiment of a trained model."""

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.override_parser.overrides_parser import OverridesParser

from cfexp.config.build import Request, build_spec, experiment_of
from cfexp.config.schema import ACROSS, SHORT
from cfexp.config.targets import OURS, check_saved
from cfexp.errors import ConfigError
from cfexp.spec import TARGET

if TYPE_CHECKING:
    from cfexp.experiment import Experiment

MEMBERS = SHORT["members"].split(".")


def with_overrides(
    saved: Mapping[str, Any], request: Request, overrides: Sequence[str]
) -> "Experiment":
    """Returns a trained model's experiment with the overrides of this run applied.

    Args:
        saved: The settings of the experiment that trained the model.
        request: The objects built from this run's configuration.
        overrides: The overrides of the command line.

    Raises:
        ConfigError: An override cannot be applied to a saved experiment, or would
            change the trained model itself.
    """
    merged, composed = copy.deepcopy(dict(saved)), request.experiment.settings()
    run_id = str(request.options.run_id)
    for override in OverridesParser.create().parse_overrides(list(overrides)):
        key = override.key_or_group.replace("/", ".")
        if key.startswith("hydra"):
            continue
        written = override.input_line or key
        if override.is_delete() or key in ACROSS:
            raise ConfigError(
                f"{written} cannot be applied to the configuration of a trained model."
                " Set single options or groups, such as dataset=csv."
            )
        path = SHORT.get(key, key).split(".")
        if path[0] in ("model", "features") or path == MEMBERS:
            subject = f"{written}: the model of run_id={run_id}"
            _check_same_model(path, saved, composed, subject)
        elif path[0] in composed:
            _set(merged, path, _get(composed, path))
            _keep(merged, saved, MEMBERS)  # where all of the group changes
    if Path(run_id).expanduser().is_dir():
        check_saved(merged, composed, run_id)  # the folder may not be trusted
    return experiment_of(merged)


def _get(settings: Mapping[str, Any], path: Sequence[str]) -> Any:
    """Returns a value by its path; None if there is none."""
    for name in path:
        settings = settings.get(name) if isinstance(settings, Mapping) else None  # type: ignore[assignment]
    return settings


def _set(settings: dict[str, Any], path: Sequence[str], value: Any) -> None:
    for name in path[:-1]:
        settings = settings.setdefault(name, {})
    settings[path[-1]] = value


def _keep(
    settings: dict[str, Any], saved: Mapping[str, Any], path: Sequence[str]
) -> None:
    if (value := _get(saved, path)) is not None:
        _set(settings, path, value)


def _check_same_model(
    path: list[str], saved: Mapping[str, Any], composed: Mapping[str, Any], subject: str
) -> None:
    """Checks that an override does not change a trained model.

    Args:
        path: The option.
        saved: The settings that the model was trained with.
        composed: The settings of this run.
        subject: The override and the model, to begin the message.

    Raises:
        ConfigError: It changes the model.
    """
    named = [*path, TARGET] if path == ["model"] else path
    trained, wanted = _get(saved, named), _get(composed, named)
    if trained == wanted:
        return
    option = subject.partition(":")[0]
    was = f"{option.partition('=')[0]}={trained}"
    if path == ["model"]:
        # A class from outside of cfexp is not imported.
        was = str(trained)
        if was.startswith(OURS):
            was = build_spec("model", saved["model"]).label()
    elif path == ["features"]:
        was = "a model of other features"
    elif trained is None:
        was = f"a model that has no {path[-1]}"
    raise ConfigError(
        f"{subject} was trained as {was} and cannot be changed. Leave out {option}, or"
        " train a new model with mode=train"
    )
