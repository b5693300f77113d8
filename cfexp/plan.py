"""The jobs that a composed configuration asks for, and what tells them apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from cfexp.config import USES, conf_dir
from cfexp.errors import ConfigError
from cfexp.jobs import Job, code_version, digest

# Overrides that say nothing of what a run is.
QUIET = ("tracking", "run_name=", "hydra", "mode=", "run_id=", "rerun=", "~")
# What may differ between a run and the run that resumes it. The rows of a dataset say
# more than its path.
NOT_IN_KEY = (
    *USES,
    "cv",
    "dataset.movies",
    "dataset.ratings",
    "dataset.root",
    "hydra",
    "objective",
    "run_name",
    "seeds",
    "tracking",
    "training.checkpoint_dir",
    "training.checkpoint_every",
    "training.resume",
)
# Options that repeat a run rather than change it.
REPEATS = ("split.fold=", "seed=")
OFFICIAL_FOLDS = 5


def telling(overrides: list[str]) -> list[str]:
    """Returns the overrides that say what a run is, not where it is kept."""
    return [o for o in overrides if not o.startswith(QUIET)]


def run_name(model: str, overrides: list[str]) -> str:
    """Returns a name that tells runs apart: what was set on the command line."""
    return " ".join(telling(overrides))[:200] or model


def run_key(cfg: DictConfig) -> str:
    """Returns 16 hex digits that equal configurations share, wherever they run."""
    own = OmegaConf.masked_copy(cfg, [str(key) for key in cfg if key != "hydra"])
    plain = OmegaConf.create(OmegaConf.to_container(own, resolve=True))
    assert isinstance(plain, DictConfig)
    for key in NOT_IN_KEY:
        parent, _, leaf = key.rpartition(".")
        node = plain[parent] if parent else plain
        node.pop(leaf, None)
    return digest(OmegaConf.to_yaml(plain, sort_keys=True))


def sweep_key(cfg: DictConfig) -> str:
    """Returns 16 hex digits that the same sweep has again, with the same code."""
    return digest(
        run_key(cfg),
        *sorted(telling(list(cfg.hydra.overrides.task))),
        OmegaConf.to_yaml(cfg.hydra.sweeper),
        code_version(),
    )


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


@dataclass(frozen=True)
class Repeat:
    """One of the folds and seeds that together are one result.

    Attributes:
        label: Which, such as ``split.fold=0 seed=1``.
        cfg: Its configuration.
        overrides: Options that give the same configuration as a single run.
    """

    label: str
    cfg: DictConfig
    overrides: list[str]


def repeats(cfg: DictConfig, overrides: Sequence[str]) -> list[Repeat]:
    """Returns the runs that ``cv`` and ``seeds`` ask for.

    Args:
        cfg: A composed configuration.
        overrides: What the user set on the command line.

    Raises:
        ConfigError: The split knows no folds.
    """
    kept = [
        o
        for o in telling(list(overrides))
        if not o.startswith(("cv=", "seeds=", *REPEATS))
    ]
    base = cfg.copy()
    base.cv, base.seeds = None, None
    folds: list[int | None] = [None]
    if cfg.cv is not None:
        base.split, folds = _folds(cfg)
        if base.split != cfg.split:
            kept = [o for o in kept if not o.startswith("split")]
            kept += ["split=kfold", f"split.folds={cfg.cv}"]
    found = []
    for seed in range(cfg.seed, cfg.seed + (cfg.seeds or 1)):
        for fold in folds:
            one = base.copy()
            one.seed = seed
            said = [f"seed={seed}"] if cfg.seeds else []
            if fold is not None:
                one.split.fold = fold
                said = [f"split.fold={fold}", *said]
            own = kept if cfg.seeds else [*kept, *_seed_of(overrides)]
            found.append(Repeat(" ".join(said), one, [*own, *said]))
    return found


def _folds(cfg: DictConfig) -> tuple[DictConfig, list[int | None]]:
    kind = str(cfg.split._target_).rpartition(".")[2]
    if kind == "Official":
        if cfg.cv > OFFICIAL_FOLDS:
            raise ConfigError(
                f"cv={cfg.cv}, but split=official has {OFFICIAL_FOLDS} folds; set cv="
                f"{OFFICIAL_FOLDS} or split=kfold"
            )
        return cfg.split, list(range(1, cfg.cv + 1))
    split = cfg.split.copy()
    if kind == "RandomHoldout":
        split = OmegaConf.load(conf_dir() / "split/kfold.yaml")
    elif kind != "KFold":
        raise ConfigError(
            f"cv={cfg.cv} needs folds, but this split has none. Set split=kfold"
            " or split=official, or use seeds= instead"
        )
    split.folds = cfg.cv
    assert isinstance(split, DictConfig)
    return split, list(range(cfg.cv))


def _seed_of(overrides: Sequence[str]) -> list[str]:
    return [o for o in overrides if o.startswith("seed=")]
