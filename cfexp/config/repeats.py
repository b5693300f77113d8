"""The folds and seeds that ``cv`` and ``seeds`` ask for."""

from collections.abc import Sequence
from dataclasses import dataclass

from omegaconf import DictConfig, OmegaConf

from cfexp.config.compose import conf_dir
from cfexp.config.identity import telling
from cfexp.errors import ConfigError

# Options that repeat a run rather than change it.
REPEATS = ("split.fold=", "seed=")


OFFICIAL_FOLDS = 5


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
