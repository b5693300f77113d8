"""Overrides of the command line, over the configuration of a trained model."""

from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from cfexp.config.schema import ACROSS, USES, Config
from cfexp.config.targets import OURS, check_saved, spec_class
from cfexp.errors import ConfigError


def with_overrides(saved: str, cfg: DictConfig, overrides: list[str]) -> DictConfig:
    """Returns a saved configuration with what the user set on the command line.

    Args:
        saved: The configuration that a model was trained with, as YAML.
        cfg: The configuration composed now.
        overrides: The command line's overrides.

    Raises:
        ConfigError: An override cannot be laid over a saved configuration, or would
            change the trained model itself.
    """
    merged = OmegaConf.merge(OmegaConf.structured(Config), literal(saved))
    assert isinstance(merged, DictConfig)
    for override in OverridesParser.create().parse_overrides(overrides):
        key = override.key_or_group.replace("/", ".")
        if key.startswith(("hydra", "tracking")):
            continue
        if override.is_delete() or key in ACROSS:
            raise ConfigError(
                f"{override.input_line} cannot be laid over the configuration of a"
                " trained model. Set single options or groups, such as dataset=csv."
            )
        if key in ("embed_dim", "model") or key.startswith("model."):
            _check_same_model(key, merged, cfg, override.input_line or key)
            continue
        OmegaConf.update(merged, key, OmegaConf.select(cfg, key), merge=False)
    for key in USES:
        merged[key] = cfg[key]
    merged.tracking = cfg.tracking
    if cfg.run_id and Path(cfg.run_id).expanduser().is_dir():
        check_saved(merged, cfg)  # it may be a stranger's
    return merged


def literal(saved: str) -> DictConfig:
    """Returns a saved configuration, which is resolved: ``${`` in it is plain text.

    It may be a stranger's, and tell OmegaConf to read the environment.
    """

    def escaped(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: escaped(below) for key, below in value.items()}
        if isinstance(value, list):
            return [escaped(below) for below in value]
        return value.replace("${", r"\${") if isinstance(value, str) else value

    plain = OmegaConf.to_container(OmegaConf.create(saved), resolve=False)
    return OmegaConf.create(escaped(plain))


def _check_same_model(key: str, saved: DictConfig, cfg: DictConfig, said: str) -> None:
    """Checks that an override leaves a trained model as it is.

    Raises:
        ConfigError: It does not.
    """
    named = f"{key}._target_" if key == "model" else key
    trained, wanted = OmegaConf.select(saved, named), OmegaConf.select(cfg, named)
    if trained == wanted:
        return
    was = _name_of(str(trained)) if key == "model" else f"{key}={trained}"
    raise ConfigError(
        f"{said}: the model of run_id={cfg.run_id} is trained already, as"
        f" {was}, and cannot become another one. Leave {said} out, or train a new model"
        " with mode=train"
    )


def _name_of(target: str) -> str:
    """Returns what a model is called, by its class, which may be a stranger's."""
    ours = target.startswith(OURS)
    return spec_class("model", target).label() if ours else target
