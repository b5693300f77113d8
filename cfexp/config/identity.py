"""What tells runs apart, and which are the same."""

import hashlib
import inspect
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass
from omegaconf import DictConfig, OmegaConf

from cfexp.config.schema import USES


def digest(*parts: str) -> str:
    """Returns 16 hex digits of texts."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


@cache
def code_version(classes: tuple[type, ...] = ()) -> str:
    """Returns 16 hex digits of cfexp's source, and of modules with a user's classes."""
    package = Path(__file__).parents[1]
    files = set(package.rglob("*.py"))
    files |= {Path(inspect.getfile(c)) for c in classes}
    return digest(*(f"{f.name} {f.read_text()}" for f in sorted(files)))


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
