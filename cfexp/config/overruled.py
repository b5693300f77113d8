"""What an experiment sets otherwise than the files that are chosen beside it.

Hydra applies ``experiment=`` and ``search=`` last, so that ``training=quick`` beside an
experiment that sets ``training.epochs`` does not change it.
"""

import logging
from collections.abc import Sequence
from typing import cast

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_repository import IConfigRepository
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from cfexp.config.schema import ACROSS, GROUPS

log = logging.getLogger(__name__)


def overruled(
    cfg: DictConfig, overrides: Sequence[str], files: IConfigRepository
) -> list[str]:
    """Returns a sentence for each choice of which an experiment changes values.

    Args:
        cfg: The composed configuration.
        overrides: The overrides that it is composed from.
        files: The files of all groups.
    """
    if not any(name in one for one in overrides for name in ACROSS):
        return []  # before they are parsed, in each job of a sweep
    parsed = OverridesParser.create().parse_overrides(list(overrides))
    given = {one.key_or_group: str(one.value()) for one in parsed}
    by = " and ".join(f"{name}={given[name]}" for name in ACROSS if name in given)
    found = []
    for group in (name for name in GROUPS if by and name in given):
        file = files.load_config(f"{group}/{given[group]}")
        own = OmegaConf.to_container(file.config) if file else {}
        assert isinstance(own, dict)
        changed = []
        for name, value in own.items():
            option = f"{group}.{name!s}"
            now = OmegaConf.select(cfg, option)
            if option not in given and value != now and "${" not in str(value):
                changed.append(f"{option}={now}")
        if changed:
            found.append(
                f"{group}={given[group]}: {by} takes precedence with"
                f" {', '.join(changed)}, unless you set it by name"
            )
    return found


def say_overruled(cfg: DictConfig, overrides: Sequence[str]) -> None:
    """Logs what `overruled` returns for the files that Hydra knows."""
    hydra = GlobalHydra.instance().hydra
    assert hydra
    files = cast(ConfigLoaderImpl, hydra.config_loader).repository
    for sentence in overruled(cfg, overrides, files):
        log.info("%s", sentence)
