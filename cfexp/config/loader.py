"""Composes the jobs of a sweep: once for each choice of groups, then value by value.

Hydra reads and merges all files anew for each job, which takes most of the time.
"""

import copy
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_repository import IConfigRepository
from hydra._internal.defaults_list import Overrides
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.types import RunMode
from omegaconf import MISSING, DictConfig, OmegaConf, open_dict

MAX_BASES = 64


@dataclass(frozen=True)
class _Parsed:
    """The overrides of a job.

    Attributes:
        all: Each of them.
        groups: Those that choose files.
        values: Those that set single options, to be applied afterwards.
    """

    all: list[Override]
    groups: list[str]
    values: list[Override]


# Configurations of a choice of groups, or why there is none. Of the process, since a
# launcher sends each of its processes a new copy of the loader with each job.
_bases: dict[tuple[str, ...], DictConfig | Exception] = {}


class JobLoader(ConfigLoaderImpl):
    """Hydra's loader, but fast in composing the jobs of one sweep.

    Args:
        loader: Hydra's loader; its files must not change while the sweep runs.
    """

    def __init__(self, loader: ConfigLoaderImpl):
        self.config_search_path = loader.config_search_path
        self.repository = loader.repository
        self.id = uuid.uuid4().hex
        self._files: IConfigRepository | None = None

    def load_sweep_config(
        self, master_config: DictConfig, sweep_overrides: Sequence[str]
    ) -> DictConfig:
        """Returns the configuration of a job, the same as Hydra's.

        Raises:
            HydraException: It cannot be composed.
        """
        parsed = self._parsed(master_config, sweep_overrides)
        if any(each.is_hydra_override() for each in parsed.all):
            found = super().load_sweep_config(master_config, list(sweep_overrides))
            assert isinstance(found, DictConfig)
            return found
        cfg = copy.deepcopy(self._base(master_config, parsed.groups))
        self._apply_overrides_to_config(parsed.values, cfg)
        cfg.hydra.overrides.task = [each.input_line for each in parsed.all]
        names = cfg.hydra.job.config.override_dirname
        cfg.hydra.job.override_dirname = names.item_sep.join(
            sorted(
                str(each.input_line).replace("=", names.kv_sep)
                for each in parsed.all
                if each.key_or_group not in names.exclude_keys
            )
        )
        OmegaConf.copy_cache(from_config=master_config, to_config=cfg)
        return cfg

    @contextmanager
    def job(
        self, master_config: DictConfig, overrides: Sequence[str]
    ) -> Iterator[DictConfig]:
        """Composes a job for as long as the block reads it: faster, by not copying.

        The node ``hydra`` is that of no job in particular.

        Raises:
            HydraException: It cannot be composed.
        """
        parsed = self._parsed(master_config, overrides)
        cfg = self._base(master_config, parsed.groups)
        before = HydraConfig.instance().cfg
        content = cfg.__dict__["_content"]
        names = {each.key_or_group.partition(".")[0] for each in parsed.values}
        kept = {
            name: copy.deepcopy(node) if name in names else node
            for name, node in content.items()
        }
        HydraConfig.instance().cfg = cast(Any, cfg)
        with open_dict(cfg.hydra.job):
            cfg.hydra.job.num, cfg.hydra.job.id = 0, "0"  # as launchers do
        try:
            self._apply_overrides_to_config(parsed.values, cfg)
            yield cfg
        finally:
            HydraConfig.instance().cfg = before
            cfg.hydra.job.num = cfg.hydra.job.id = MISSING
            content.clear()
            content.update(kept)
            for name in names & kept.keys():
                kept[name]._set_parent(cfg)

    def choices(self, master: DictConfig, overrides: Sequence[str]) -> dict[str, str]:
        """Returns the option of each group in a job.

        Raises:
            HydraException: It cannot be composed.
        """
        base = self._base(master, self._parsed(master, overrides).groups)
        return dict(base.hydra.runtime.choices)

    def _parsed(self, master: DictConfig, overrides: Sequence[str]) -> _Parsed:
        parsed = OverridesParser.create().parse_overrides(list(overrides))
        if self._files is None:  # those of hydra.searchpath too
            _, self._files = self._parse_overrides_and_create_caching_repo(
                master.hydra.job.config_name, list(master.hydra.overrides.hydra)
            )
        values = Overrides(self._files, parsed).config_overrides
        groups = [str(one.input_line) for one in parsed if one not in values]
        return _Parsed(parsed, groups, values)

    def _base(self, master: DictConfig, groups: list[str]) -> DictConfig:
        """Returns the configuration of a choice of groups; do not change it."""
        key = (self.id, *master.hydra.overrides.hydra, *groups)
        if key not in _bases:
            if len(_bases) >= MAX_BASES:
                _bases.pop(next(iter(_bases)))
            try:
                _bases[key] = self._composed(master, groups)
            except Exception as error:
                _bases[key] = error
        found = _bases[key]
        if isinstance(found, Exception):
            raise found
        return found

    def _composed(self, master: DictConfig, groups: list[str]) -> DictConfig:
        cfg = self.load_configuration(
            master.hydra.job.config_name,
            [*master.hydra.overrides.hydra, *groups],
            RunMode.RUN,
        )
        OmegaConf.copy_cache(from_config=master, to_config=cfg)
        return cfg
