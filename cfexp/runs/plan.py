"""The job that a composed configuration asks for."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from cfexp.config.identity import run_key, telling
from cfexp.runs.job import Job


def job(
    cfg: DictConfig,
    specs: Mapping[str, Any],
    *,
    folder: Path,
    name: str,
    overrides: Sequence[str],
    parent_id: str | None = None,
    tags: Mapping[str, str] | None = None,
) -> Job:
    """Returns the training that a configuration asks for.

    Args:
        cfg: A composed configuration.
        specs: What `build` made of it.
        folder: Where the run's files go.
        name: Name of the run.
        overrides: What the user set on the command line.
        parent_id: The MLflow run that it belongs to.
        tags: Tags of the MLflow run besides cfexp's own.
    """
    return Job(
        specs=specs,
        config=stored(cfg),
        config_key=run_key(cfg),
        seed=cfg.seed,
        deterministic=cfg.deterministic,
        objective=cfg.objective,
        folder=folder,
        name=name,
        overrides=tuple(telling(list(overrides))),
        parent_id=parent_id,
        once=parent_id is not None and not cfg.rerun,
        tags=tags or {},
    )


def stored(cfg: DictConfig) -> str:
    """Returns the resolved configuration of a run, without where it is tracked."""
    own = OmegaConf.masked_copy(cfg, [str(key) for key in cfg if key != "tracking"])
    return OmegaConf.to_yaml(own, resolve=True)
