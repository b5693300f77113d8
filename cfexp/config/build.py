"""Checks a composed configuration, and makes objects of it.

Imports no heavy library: everything wrong with a configuration is said before
TensorFlow is loaded.
"""

import dataclasses
from pathlib import Path
from typing import Annotated, Any, Literal

from omegaconf import MISSING, DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import Field

from cfexp.config.schema import GROUPS, Config, Mode
from cfexp.config.targets import spec_class
from cfexp.config.wording import interpolation_problem, problem_of
from cfexp.errors import ConfigError, did_you_mean
from cfexp.runtime.files import file_problems
from cfexp.spec import NOT_SET, Spec, SpecError

# What a choice may look at: never an error on test rows.
Chosen = Literal["val_rmse", "val_mae"]
Repeated = Annotated[int, Field(ge=2)] | None


class Single(Spec):
    """The single options of `Config` that have limits."""

    k: Annotated[int, Field(ge=1)]
    embed_dim: Annotated[int, Field(ge=1, le=4096)]
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)]
    cv: Repeated
    seeds: Repeated
    objective: Chosen
    best_of: Chosen
    known_rows: Literal["error", "drop"]


def build(cfg: DictConfig) -> dict[str, Any]:
    """Checks a composed configuration and returns each group's spec, by group.

    Raises:
        ConfigError: Naming every problem, one a line.
    """
    problems = []
    try:
        Single(**{key: cfg[key] for key in Single.model_fields})
    except SpecError as error:
        problems += error.problems
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
    """Returns the spec of one group, of the class that its `_target_` names.

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
    cls = spec_class(group, target)
    problems = [f"{key} {NOT_SET}" for key, value in values.items() if value == MISSING]
    try:
        spec = cls(**{k: v for k, v in values.items() if v != MISSING})
    except SpecError as error:
        problems += error.problems
    if problems:
        raise ConfigError("; ".join(f"{group}.{each}" for each in sorted({*problems})))
    return spec


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
