"""The configuration: its schema, where it lies, and the checks before a run.

Imports no heavy library: everything wrong with a configuration is said before
TensorFlow is loaded.
"""

import dataclasses
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from hydra.types import RunMode
from omegaconf import MISSING, DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from cfexp.errors import ConfigError, did_you_mean
from cfexp.files import file_problems
from cfexp.spec import Spec, field_problems
from cfexp.targets import check_saved, spec_class
from cfexp.wording import interpolation_problem, problem_of

GROUPS = ("dataset", "split", "model", "optimizer", "training", "tracking")


class Mode(Enum):
    """What to do."""

    train = "train"
    evaluate = "evaluate"
    predict = "predict"
    recommend = "recommend"
    finetune = "finetune"
    reproduce = "reproduce"


@dataclass
class Config:
    """Schema of ``conf/config.yaml``; groups are checked against their `_target_`."""

    mode: Mode
    run_id: str | None
    best_of: str
    known_rows: str
    same_ids: bool
    pairs: str | None
    output: str | None
    overwrite: bool
    user: str | None
    k: int
    embed_dim: int
    seed: int
    deterministic: bool
    objective: str
    run_name: str | None
    cv: int | None
    seeds: int | None
    rerun: bool
    dataset: dict[str, Any]
    split: dict[str, Any]
    model: dict[str, Any]
    optimizer: dict[str, Any]
    training: dict[str, Any]
    tracking: dict[str, Any]


# What a choice may look at: never an error on test rows.
VALIDATION = ("val_rmse", "val_mae")
BOUNDS = {
    "k": {"bounds": {">=": 1}},
    "embed_dim": {"bounds": {">=": 1, "<=": 4096}},
    "seed": {"bounds": {">=": 0, "<=": 2**31 - 1}},
    "cv": {"bounds": {">=": 2}},
    "seeds": {"bounds": {">=": 2}},
    "objective": {"options": VALIDATION},
    "best_of": {"options": VALIDATION},
    "known_rows": {"options": ("error", "drop")},
}
# How a trained model is used now, which is not part of how it was trained.
USES = (
    "mode",
    "run_id",
    "best_of",
    "known_rows",
    "same_ids",
    "pairs",
    "output",
    "overwrite",
    "user",
    "k",
    "rerun",
)


def register() -> None:
    """Makes the schema known to Hydra."""
    store = ConfigStore.instance()
    store.store(name="schema", node=Config)
    Plugins.instance()  # finds plugins, which bring configs of their own
    # Hydra would take those for schemas of ours with the same name, and refuse.
    for ours in conf_dir().glob("hydra/*/**/*.yaml"):
        group = store.repo
        for part in ours.relative_to(conf_dir()).parent.parts:
            group = group.get(part, {})
        group.pop(ours.name, None)


def conf_dir() -> Path:
    """Returns the folder of the shipped configs: in a wheel, or beside a clone."""
    package = Path(__file__).parent
    inside = package / "conf"
    return inside if inside.is_dir() else package.parent / "conf"


def compose(overrides: list[str]) -> DictConfig:
    """Returns the configuration that the command line would compose.

    Args:
        overrides: As on the command line, ``model=dot`` and so on.
    """
    register()
    GlobalHydra.instance().clear()
    with hydra.initialize_config_dir(str(conf_dir()), version_base="1.3"):
        return hydra.compose("config", without_nulls(overrides))


def is_sweep(overrides: list[str]) -> bool:
    """Returns whether overrides ask for a sweep, as an experiment for a search does."""
    register()
    GlobalHydra.instance().clear()
    with hydra.initialize_config_dir(str(conf_dir()), version_base="1.3"):
        cfg = hydra.compose("config", overrides, return_hydra_config=True)
    return cfg.hydra.mode is RunMode.MULTIRUN


def build(cfg: DictConfig) -> dict[str, Any]:
    """Checks a composed configuration and returns each group's spec, by group.

    Raises:
        ConfigError: Naming every problem, one a line.
    """
    problems = [
        problem
        for key, metadata in BOUNDS.items()
        for problem in field_problems(key, cfg[key], metadata)
    ]
    fields = [field.name for field in dataclasses.fields(Config)]
    problems += [
        f"there is no option {key!s}{did_you_mean(str(key), fields)}"
        for key in cfg
        if key not in (*fields, "hydra")
    ]
    problems += _reuse_problems(cfg)
    specs: dict[str, Any] = {}
    for group in GROUPS:
        if OmegaConf.is_missing(cfg, group):
            problems.append(f"{group} is not set: choose one with {group}=NAME")
            continue
        try:
            specs[group] = build_spec(group, cfg[group])
        except ConfigError as error:
            problems.append(str(error))
    if not problems:
        problems += _strategy_problems(specs)
    if problems:
        raise ConfigError("; ".join(problems))
    return specs


def build_spec(group: str, node: DictConfig) -> Spec:
    """Checks one group against the dataclass that its `_target_` names.

    Raises:
        ConfigError: Naming every unknown, missing, ill-typed or out-of-range value.
    """
    try:
        values: dict[str, Any] = OmegaConf.to_container(node, resolve=True)  # type: ignore[assignment]
        target = str(values.pop("_target_"))
    except KeyError:
        raise ConfigError(f"{group}: _target_ is missing; name a class there") from None
    except OmegaConfBaseException as error:
        said = interpolation_problem(error) or f"{group} {problem_of(error)}"
        raise ConfigError(said) from error
    cls = spec_class(f"{group}._target_", target)
    fields = {field.name: field for field in dataclasses.fields(cls)}
    label = f"model={values.get('name')}" if group == "model" else f"this {group}"
    problems = [
        f"{group}.{key} is no option of {label}{did_you_mean(key, fields)}"
        for key in values
        if key not in fields
    ]
    problems += [f"{group}.{key} is missing" for key in fields if key not in values]
    typed = OmegaConf.structured(cls)
    OmegaConf.set_readonly(typed, False)
    for key in fields.keys() & values.keys():
        if values[key] == MISSING:
            problems.append(f"{group}.{key} is not set. Set {group}.{key}=value")
            continue
        try:
            typed[key] = values[key]
            value = OmegaConf.to_container(typed)[key]  # type: ignore[index,call-overload]
        except OmegaConfBaseException as error:
            problems.append(f"{group}.{key} {problem_of(error)}")
            continue
        values[key] = value
        problems += field_problems(f"{group}.{key}", value, fields[key].metadata)
    if problems:
        raise ConfigError("; ".join(sorted(problems)))
    try:
        return cls(**values)
    except ConfigError as error:
        raise ConfigError(f"{group}: {error}") from error


def without_nulls(overrides: list[str]) -> list[str]:
    """Returns overrides without those that give an experiment its default, none."""
    return [each for each in overrides if each != "experiment=null"]


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
        if override.is_delete() or key == "experiment":
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
    name = saved.model.name
    was = name if key == "model" else f"{key}={trained}"
    raise ConfigError(
        f"{said}: the model of run_id={cfg.run_id} is trained already, as"
        f" {was}, and cannot become another one. Leave {said} out, or train a new model"
        " with mode=train"
    )


def _reuse_problems(cfg: DictConfig) -> list[str]:
    mode: Mode = cfg.mode
    problems = []
    if mode is Mode.train and cfg.run_id is not None:
        problems.append(
            f"run_id={cfg.run_id} names a trained model, but mode=train trains a new"
            " one; add mode=evaluate, predict, recommend or finetune"
        )
    if mode is not Mode.train and cfg.run_id is None:
        problems.append(
            f"mode={mode.name} needs run_id=: a run id, latest, best,"
            " models:/name/version or a run's folder"
        )
    if mode is Mode.predict and cfg.pairs is None:
        problems.append("mode=predict needs pairs=, a CSV of userId and movieId")
    if mode in (Mode.predict, Mode.recommend) and cfg.output is not None:
        problems += file_problems(Path(cfg.output), "output")
    if mode is Mode.recommend and cfg.user is None:
        problems.append("mode=recommend needs user=, a userId of the dataset")
    return problems


def _strategy_problems(specs: dict[str, Any]) -> list[str]:
    strategy, optimizer = specs["training"].strategy, specs["optimizer"]
    if strategy == "none":
        return []
    found = []
    if getattr(optimizer, "update", "dense") == "rows":
        found.append(
            f"optimizer.update=rows does not work with training.strategy={strategy};"
            " set optimizer.update=auto"
        )
    if optimizer.clipnorm is not None:
        found.append(
            f"optimizer.clipnorm does not work with training.strategy={strategy}, where"
            " each replica knows a part of the gradient only; set it to null"
        )
    return found
